// What the command is asked to do: from its command line, its files and the environment.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";

export const HELP = `Proposes tasks for a goal, checks each one against a JSON Schema, and posts the valid ones.

Usage:
  taskwright --dry-run --count 2
  taskwright --count 2 --host http://localhost --port 8080

Brief:
  --goal TEXT       what is to be done [default: a general goal]
  --brief FILE      read the goal from this file; - is standard input
  --count N         number of tasks, 1 to 500 [default: 3]
  --schema FILE     JSON Schema of a task [default: agent-task]
  --seed N          seed of a dry run [default: 0]

Model:
  --endpoint URL    base URL [default: https://api.openai.com/v1]
  --model NAME      [default: gpt-5-mini]

Task server:
  --host URL        [default: http://localhost, with --port 8080]
  --port N          [default: that of --host]
  --path PATH       path of the POST [default: /tasks]
  --idempotency-keys
                    the server honours Idempotency-Key: send it, and post again
                    what may have arrived

Run:
  --dry-run         make tasks from the seed, without any request
  --yes             post without asking
  --config FILE     read secrets from this file that the environment lacks
  --help, --version

Secrets come from OPENAI_API_KEY and AGENT_API_TOKEN in the environment, or from the
members with these names in the file of --config, such as agent_config.json. Of several
tokens, separated by commas, the first one is used. If the endpoint requires an API key
and none is set, the run is a dry run.

A dry run prints the tasks. A live run asks before it posts; without a terminal it needs
--yes. It posts the exact texts that were checked, and prints one receipt per task, with
the task. An invalid task is never posted; nothing is posted if the generation did not
complete. If standard output is not a terminal, each task or receipt is one line of JSON.
Progress and errors go to standard error.

Exit codes:
  0  every task is valid, and delivered if the run was live
  1  unexpected error
  2  the command line, a file or the environment is wrong; nothing was sent
  3  the generation did not complete; nothing was posted
  4  a task is missing or invalid, or was not delivered
  5  a task may have arrived, but the server did not confirm it
  129, 130, 141, 143
     stopped by a signal, or because nobody reads the output; receipts say what was posted
`;

const GOAL = "Plan the work of the next week";
const ENDPOINT = "https://api.openai.com/v1";
const MODEL = "gpt-5-mini";
const HOST = "http://localhost";
const PORT = "8080";

const API_KEY = "OPENAI_API_KEY";
const AGENT_TOKEN = "AGENT_API_TOKEN";

const FLAGS = {
  goal: { type: "string" },
  brief: { type: "string" },
  count: { type: "string", default: "3" },
  schema: { type: "string" },
  seed: { type: "string", default: "0" },
  endpoint: { type: "string", default: ENDPOINT },
  model: { type: "string", default: MODEL },
  host: { type: "string" },
  port: { type: "string" },
  path: { type: "string" },
  "idempotency-keys": { type: "boolean", default: false },
  "dry-run": { type: "boolean", default: false },
  yes: { type: "boolean", default: false },
  config: { type: "string" },
  help: { type: "boolean", default: false },
  version: { type: "boolean", default: false },
};

/** An error that the caller of the command can correct. */
export function usageError(code, message, hint) {
  return Object.assign(new Error(message), { code, hint, isUsage: true });
}

/** Codes of the package's errors that are not about its arguments. */
const NOT_USAGE = ["load_failed", "listener_failed", "no_randomness"];

/** Whether the command line, a file or the environment is the reason of an error. */
export function isUsageError(error) {
  return error?.isUsage === true || (error?.name === "TaskwrightError" && !NOT_USAGE.includes(error.code));
}

/** Reads the options. What they mean for a task or an address is checked by the package. */
export async function readOptions(args, environment) {
  const flags = parse(args);
  if (flags.help || flags.version) return flags;
  const secrets = await readSecrets(flags.config, environment);
  const brief = {
    goal: await readGoal(flags),
    count: wholeNumber("count", flags.count),
    seed: wholeNumber("seed", flags.seed),
  };
  if (flags.schema !== undefined) brief.schema = await readJson("schema", flags.schema);
  const model = { baseUrl: flags.endpoint, model: flags.model };
  if (secrets.apiKey) model.apiKey = secrets.apiKey;
  const server = { url: serverUrl(flags.host, flags.port), honoursIdempotencyKeys: flags["idempotency-keys"] };
  if (flags.path !== undefined) server.path = flags.path;
  if (secrets.agentToken) server.agentToken = secrets.agentToken;
  return { isDryRun: flags["dry-run"], isConfirmed: flags.yes, brief, model, server };
}

function parse(args) {
  try {
    return parseArgs({ args, options: FLAGS }).values;
  } catch (error) {
    throw usageError("command_line", error.message, "taskwright --help lists the options.");
  }
}

function wholeNumber(name, text) {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usageError("command_line", `--${name} must be a whole number`, `Write a number, as in --${name} 3.`);
}

async function readGoal({ goal, brief }) {
  if (goal !== undefined && brief !== undefined) {
    throw usageError("command_line", "--goal and --brief exclude each other", "Use one of them.");
  }
  return goal ?? (brief === undefined ? GOAL : readText("brief", brief));
}

/** Reads a file, or standard input. It must be UTF-8. */
async function readText(flag, file) {
  try {
    const bytes = file === "-" ? await standardInput() : await readFile(file);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw usageError("file_unreadable", `--${flag}: ${error.message}`, "Name a readable file with UTF-8 text.");
  }
}

async function standardInput() {
  const parts = [];
  for await (const part of process.stdin) parts.push(part);
  return Buffer.concat(parts);
}

/** Reads a JSON object. The error never quotes the file, which may hold secrets. */
async function readJson(flag, file) {
  const text = await readText(flag, file);
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw usageError("file_not_json", `--${flag}: ${file} is not a JSON object`, "Check the file with a JSON parser.");
}

async function readSecrets(file, environment) {
  const members = file === undefined ? {} : await readJson("config", file);
  const secret = (name) => {
    const value = environment[name] || members[name] || undefined;
    if (value === undefined || typeof value === "string") return value;
    throw usageError("file_not_valid", `--config: ${name} must be a string`, "Correct the file.");
  };
  return {
    apiKey: secret(API_KEY),
    agentToken: secret(AGENT_TOKEN)
      ?.split(",")
      .map((token) => token.trim())
      .find((token) => token !== ""),
  };
}

/** The address that the original script's two flags mean. */
function serverUrl(host, port = host === undefined ? PORT : undefined) {
  const given = host ?? HOST;
  const address = given.includes("://") ? given : `http://${given}`;
  if (port === undefined) return address;
  let url;
  try {
    url = new URL(address);
  } catch {
    throw usageError("command_line", `--host: ${given} is not an address`, "Write it as in --host http://localhost.");
  }
  if (url.pathname !== "/" || url.search !== "") {
    throw usageError("command_line", "--host has a path, so --port cannot follow it", "Write the port into --host.");
  }
  return `${address.replace(/\/$/, "")}:${wholeNumber("port", port)}`;
}
