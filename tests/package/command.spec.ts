// The command of the package: `npx taskwright`, as the original script was used.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { expect, test } from "@playwright/test";

import { DEFAULT_TOKEN, TaskServer, Testbed, header } from "../e2e/servers.ts";
import { lines, taskwright } from "./command.ts";
import { installedFolder } from "./install.ts";

const API_KEY = "sk-test-4f9a1c7e2b8d";
/** The token of the testbed. */
const TOKEN = DEFAULT_TOKEN;
const SECRETS = { OPENAI_API_KEY: API_KEY, AGENT_API_TOKEN: TOKEN };

let testbed: Testbed;
let folder: string;

test.beforeAll(async () => {
  testbed = await Testbed.start();
  folder = await mkdtemp(join(tmpdir(), "taskwright-command-"));
});

test.afterAll(async () => {
  await testbed.stop();
  await rm(folder, { recursive: true });
});

/** The flags of a live run. Its requests are recorded under `name`. */
function live(script: string, variant: string, name: string): string[] {
  const [model, server] = [testbed.model(script, name), testbed.plain(variant, name)];
  return ["--count", "2", "--endpoint", model, "--model", "scripted", "--host", server];
}

test.describe("a command line that cannot be used ends with 2, a code and a hint, and sends nothing", () => {
  for (const [flags, code, environment] of [
    [["--unknown"], "command_line", {}],
    [["tasks"], "command_line", {}],
    [["--count", "two"], "command_line", {}],
    [["--dry-run", "--count", "501"], "count_out_of_range", {}],
    [["--dry-run", "--goal", ""], "brief_empty", {}],
    [["--goal", "a", "--brief", "b"], "command_line", {}],
    [["--brief", "missing.txt"], "file_unreadable", {}],
    [["--schema", "missing.json"], "file_unreadable", {}],
    [["--host", "http://localhost/a", "--port", "1"], "command_line", {}],
    [["--host", "::", "--port", "1"], "command_line", {}],
    [["--host", "http://example.com", "--yes"], "address_not_secure", SECRETS],
    [["--endpoint", "http://example.com"], "address_not_secure", SECRETS],
    [["--yes"], "secret_missing", { OPENAI_API_KEY: API_KEY }],
    [["--yes", "--port", "1"], "secret_missing", { OPENAI_API_KEY: API_KEY, AGENT_API_TOKEN: " , " }],
    [[], "not_confirmed", SECRETS],
  ] as [string[], string, Record<string, string>][]) {
    test(`${flags.join(" ") || "without flags"}: ${code}`, async () => {
      const ended = await taskwright(flags, { environment });
      expect(ended).toMatchObject({ code: 2, stdout: "" });
      expect(ended.stderr).toMatch(new RegExp(`^taskwright: ${code}: .+\\n  .+\\n$`));
    });
  }
});

test("--help and --version", async () => {
  const help = await taskwright(["--help"]);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  expect(help.stdout).toContain("taskwright --count 2 --host http://localhost --port 8080");
  expect(await taskwright(["--version"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test("a dry run prints each task as one line, the same ones each time, and nothing else", async () => {
  const ended = await taskwright(["--dry-run", "--count", "2"], { environment: SECRETS });
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  const tasks = lines(ended.stdout);
  expect(tasks).toHaveLength(2);
  expect(tasks[0]).toMatchObject({ key: expect.any(String), title: expect.any(String) });
  expect(await taskwright(["--dry-run", "--count", "2"])).toEqual(ended);
  expect((await taskwright(["--dry-run", "--count", "2", "--seed", "7"])).stdout).not.toBe(ended.stdout);
});

test("without an API key it falls back to a dry run, and says so", async () => {
  const flags = ["--count", "2", "--host", "http://localhost", "--port", "1"];
  const ended = await taskwright(flags, { environment: { AGENT_API_TOKEN: TOKEN } });
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain("OPENAI_API_KEY");
  expect(ended.stdout).toBe((await taskwright(["--dry-run", "--count", "2"])).stdout);
});

test("a goal from a file or from standard input, and a schema from a file", async () => {
  const [brief, schema] = [join(folder, "brief.txt"), join(folder, "schema.json")];
  await writeFile(brief, "Paint the fence");
  const properties = { id: { type: "integer" }, what: { const: "fence" } };
  await writeFile(schema, JSON.stringify({ type: "object", properties, required: ["id", "what"], additionalProperties: false }));
  const dry = (...flags: string[]) => taskwright(["--dry-run", ...flags], { input: "Paint the fence" });
  const given = await dry("--goal", "Paint the fence");
  expect(given.stdout).toContain("fence");
  expect(await dry("--brief", brief)).toEqual(given);
  expect(await dry("--brief", "-")).toEqual(given);
  const [first] = lines((await dry("--schema", schema)).stdout);
  expect(first).toEqual({ id: expect.any(Number), what: "fence" });
});

test("a live run posts the texts that were checked, byte for byte, and prints one receipt per task", async () => {
  const flags = ["--yes", ...live("exact-text", "ok200", "command-exact")];
  const ended = await taskwright(flags.with(2, "3"), { environment: SECRETS });
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  const receipts = lines(ended.stdout);
  expect(receipts.map(({ outcome }) => outcome)).toEqual(["delivered", "delivered", "delivered"]);
  const received = await testbed.received("ok200", "command-exact");
  for (const { body, headers } of received) {
    const digest = createHash("sha256").update(body).digest("hex");
    expect(receipts.map((receipt) => receipt.digest)).toContain(digest);
    // The receipt holds the text itself, with the digits of its numbers.
    expect(ended.stdout).toContain(`"task":${body.replace(/[\r\n]+/g, " ")}}`);
    expect(header(headers, "x-agent-token")).toBe(TOKEN);
    expect(header(headers, "idempotency-key")).toBeUndefined();
  }
  const [asked] = await testbed.asked("command-exact");
  expect(header(asked!.headers, "authorization")).toBe(`Bearer ${API_KEY}`);
});

test("a live run with the bundled task server and its idempotency keys", async () => {
  const server = await TaskServer.start(join(folder, "server"), { tokens: TOKEN });
  try {
    const flags = ["--yes", "--idempotency-keys", ...live("plain", "ok200", "command-server"), "--host", server.address];
    const ended = await taskwright(flags, { environment: SECRETS });
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const receipts = lines(ended.stdout);
    const stored = await server.tasks();
    expect(stored.map(({ id }) => id).sort()).toEqual(receipts.map(({ serverId }) => serverId).sort());
    expect(stored.map(({ idempotencyKey }) => idempotencyKey).sort()).toEqual(receipts.map(({ idempotencyKey }) => idempotencyKey).sort());
  } finally {
    await server.stop();
  }
});

test.describe("a live run whose tasks are not all delivered", () => {
  for (const { script = "plain", variant = "ok200", goal = "Paint the fence", code, outcomes, posted } of [
    { script: "cut-off", code: 3, outcomes: ["not_sent generation_incomplete"], posted: 0 },
    { script: "http-401", code: 3, outcomes: [], posted: 0 },
    { script: "refused", code: 3, outcomes: [], posted: 0 },
    { script: "too-few", code: 4, outcomes: ["delivered delivered"], posted: 1 },
    { script: "invalid-tasks", code: 4, outcomes: ["not_sent schema_violation", "not_sent schema_violation"], posted: 0 },
    { script: "same-keys", code: 4, outcomes: ["delivered delivered", "not_sent duplicate_key"], posted: 1 },
    { script: "echo-in-task", code: 4, outcomes: ["not_sent held_secret", "not_sent held_secret"], posted: 0 },
    { goal: `Replace ${TOKEN}`, code: 4, outcomes: ["not_sent held_secret", "not_sent held_secret"], posted: 0 },
    { variant: "unauthorized", code: 4, outcomes: ["unauthorized unauthorized", "not_sent token_refused"], posted: 1 },
    { variant: "status_422", code: 4, outcomes: ["refused http_422", "not_sent first_not_taken"], posted: 1 },
    { variant: "drop", code: 5, outcomes: ["unconfirmed unconfirmed", "not_sent server_in_trouble"], posted: 1 },
    { variant: "echo_receipt", code: 0, outcomes: ["delivered delivered", "delivered delivered"], posted: 2 },
    { variant: "echo_400", code: 4, outcomes: ["refused http_400", "not_sent first_not_taken"], posted: 1 },
  ]) {
    test(`${script}, ${variant}: ${code}`, async () => {
      const name = `command-${script}-${variant}`;
      const ended = await taskwright(["--yes", "--goal", goal, ...live(script, variant, name)], { environment: SECRETS });
      const receipts = lines(ended.stdout);
      // Receipts are printed as they become final.
      receipts.sort((first, second) => first.index - second.index);
      expect(receipts.map(({ outcome, code }) => `${outcome} ${code}`)).toEqual(outcomes);
      expect(ended.code).toBe(code);
      expect(await testbed.received(variant, name)).toHaveLength(posted);
      for (const secret of [API_KEY, TOKEN]) expect(ended.stdout + ended.stderr).not.toContain(secret);
    });
  }
});

test("a server that nobody listens at proves that nothing arrived", async () => {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  const flags = [...live("plain", "ok200", "command-nobody"), "--host", "http://127.0.0.1", "--port", String(port)];
  const ended = await taskwright(["--yes", ...flags], { environment: SECRETS });
  expect(ended.code).toBe(4);
  expect(lines(ended.stdout).map(({ outcome }) => outcome)).not.toContain("unconfirmed");
});

test("the file of --config has what the environment lacks, and no error quotes it", async () => {
  const config = join(folder, "agent_config.json");
  await writeFile(config, JSON.stringify({ AGENT_API_TOKEN: `${TOKEN},another`, vault: { address: "http://localhost:8200" } }));
  const flags = ["--yes", ...live("needs-key", "ok200", "command-config"), "--config", config];
  const ended = await taskwright(flags, { environment: { OPENAI_API_KEY: API_KEY, AGENT_API_TOKEN: "" } });
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  const [received] = await testbed.received("ok200", "command-config");
  expect(header(received!.headers, "x-agent-token")).toBe(TOKEN);

  for (const text of [`{"AGENT_API_TOKEN": "${TOKEN}"`, `{"AGENT_API_TOKEN": ["${TOKEN}"]}`, `"${TOKEN}"`]) {
    await writeFile(config, text);
    const failed = await taskwright(flags, { environment: { OPENAI_API_KEY: API_KEY } });
    expect(failed).toMatchObject({ code: 2, stdout: "" });
    expect(failed.stderr).not.toContain(TOKEN);
  }
});

test("Ctrl+C stops the generation; nothing is posted", async () => {
  const flags = ["--yes", ...live("slow", "ok200", "command-stopped")];
  const ended = await taskwright(flags, {
    environment: SECRETS,
    onProgress: async (child) => {
      while ((await testbed.asked("command-stopped")).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      child.kill("SIGINT");
    },
  });
  expect(ended.code).toBe(130);
  expect(ended.stderr).toContain("cancelled");
  expect(await testbed.received("ok200", "command-stopped")).toEqual([]);
});

test("a reader that goes away ends the command without a message", async () => {
  const ended = await taskwright(["--dry-run", "--count", "500"], { closesOutput: true });
  expect(ended).toMatchObject({ code: 141, stderr: "" });
});

test.describe("on a terminal it shows the tasks and asks before it posts", () => {
  for (const { answer, code, posted } of [
    { answer: true, code: 0, posted: 2 },
    { answer: false, code: 4, posted: 0 },
  ]) {
    test(`the answer is ${answer ? "yes" : "no"}`, async () => {
      const load = (file: string) => import(pathToFileURL(join(installedFolder(), file)).href);
      const [{ run }, { Report }, { default: init }] = await Promise.all(["cli/run.js", "cli/report.js", "node.js"].map(load));
      await init();
      const name = `command-asked-${answer}`;
      const terminal = () => {
        let text = "";
        return { isTTY: true, write: (part: string) => (text += part), text: () => text };
      };
      const [output, messages] = [terminal(), terminal()];
      const asked: string[] = [];
      const options = {
        isDryRun: false,
        isConfirmed: false,
        brief: { goal: "Paint the \u001b[31mfence", count: 2 },
        model: { baseUrl: testbed.model("plain", name), model: "scripted" },
        server: { url: testbed.plain("ok200", name), agentToken: TOKEN },
      };
      const confirm = async (question: string) => {
        asked.push(question);
        return answer;
      };
      const ended = await run(options, new Report(output, messages), confirm, new AbortController().signal);
      expect(ended).toBe(code);
      expect(asked).toEqual([`Post 2 tasks to ${options.server.url}/tasks?`]);
      expect(messages.text()).toMatch(/^taskwright: Task 2: .+\n\{/m);
      expect(output.text()).toMatch(answer ? /^Task 1: .+: delivered\nTask 2: .+: delivered\n$/ : /^Task 1: .+: not_sent\n/);
      expect(output.text() + messages.text()).not.toContain("\u001b");
      expect(await testbed.received("ok200", name)).toHaveLength(posted);
    });
  }
});
