// One run: tasks from a seed or a model, and their way to the task server.
import { defaultSchema, deliver, dryRun, generate, lintBatch } from "../node.js";
import { usageError } from "./options.js";

const DELIVERED = 0;
const NOT_COMPLETE = 3;
const NOT_DELIVERED = 4;
const UNCONFIRMED = 5;

/** Shorter secrets are not looked for in tasks, as everywhere in Taskwright: they would be found by chance. */
const LEAST_SECRET = 4;

/**
 * Carries out a run and returns its exit code. `confirm` asks whether to post; it is `undefined` if
 * nobody can be asked.
 */
export async function run(options, report, confirm, signal) {
  if (options.isDryRun) return runDry(options, report);
  if (await lacksKey(options)) {
    report.note("There is no OPENAI_API_KEY, so this is a dry run: nothing is sent.");
    return runDry(options, report);
  }
  await checkServer(options);
  if (!options.isConfirmed && !confirm) {
    throw usageError(
      "not_confirmed",
      "nobody can be asked whether to post the tasks",
      "Pass --yes to post every valid task unseen, or --dry-run.",
    );
  }
  const { model, brief, server } = options;
  report.progress(`Asking ${model.model} at ${model.baseUrl} for ${counted(brief.count)}.`);
  const generation = await generate(brief, model, {
    signal,
    onEvent: (event) => {
      if (event.type === "task" && !holdsSecret(event, server)) report.arrived(event.index, event.text, event.violations);
      if (event.type === "warning") report.progress(event.message);
    },
  });
  return post(options, generation, report, confirm, signal);
}

function counted(tasks) {
  return tasks === 1 ? "1 task" : `${tasks} tasks`;
}

async function runDry({ brief }, report) {
  const tasks = await dryRun(brief);
  tasks.forEach((text, index) => report.task(index, text));
  return DELIVERED;
}

/** Whether the endpoint requires a key and none is set. A call that is cancelled already is checked, and sends nothing. */
async function lacksKey({ brief, model }) {
  try {
    await generate(brief, model, { signal: AbortSignal.abort() });
    return false;
  } catch (error) {
    if (error.code === "secret_missing") return true;
    throw error;
  }
}

/** Checks the task server's settings before anything is generated. Without tasks, nothing is sent. */
async function checkServer({ server }) {
  try {
    await deliver([], server);
  } catch (error) {
    if (error.code !== "secret_missing") throw error;
    throw usageError("secret_missing", error.message, "Set AGENT_API_TOKEN in the environment.");
  }
}

/** Whether a task contains a secret. The model is not shown the agent token, so the violations name the API key only. */
function holdsSecret({ text, violations }, { agentToken }) {
  return isHeldSecret(violations) || (agentToken.length >= LEAST_SECRET && text.includes(agentToken));
}

function isHeldSecret(violations = []) {
  return violations.some(({ keyword }) => keyword === "heldSecret");
}

async function post({ brief, server, isConfirmed }, { outcome, tasks }, report, confirm, signal) {
  const notSent = (code, message, hint, exitCode) => {
    tasks.forEach((task, index) => {
      const receipt = { index, outcome: "not_sent", code, message, hint, violations: task.violations };
      report.receipt(receipt, holdsSecret(task, server) ? undefined : task.text);
    });
    return exitCode;
  };
  if (outcome.outcome !== "complete") {
    report.error(outcome);
    return notSent("generation_incomplete", "The generation did not complete.", outcome.hint, NOT_COMPLETE);
  }
  if (tasks.some((task) => holdsSecret(task, server))) {
    const message = "A task contains the API key or the agent token.";
    const hint = "Nothing was posted, and that task is not shown. The model or its endpoint knows the secret: replace it.";
    report.error({ code: "held_secret", message, hint });
    return notSent("held_secret", message, hint, NOT_DELIVERED);
  }
  const texts = tasks.map(({ text }) => text);
  const valid = tasks.filter(({ violations }) => violations.length === 0).length;
  const schema = brief.schema ?? defaultSchema();
  for (const { severity, message } of findings(texts, schema, brief.count)) report.note(`${severity}: ${message}`);
  if (valid > 0 && !isConfirmed) {
    const invalid = valid < tasks.length ? ` (${tasks.length - valid} invalid ones are not posted)` : "";
    const question = `Post ${counted(valid)} to ${server.url.replace(/\/+$/, "")}${server.path ?? "/tasks"}?${invalid}`;
    if (!(await confirm(question, signal))) {
      return notSent("declined", "The tasks were not approved.", "Run the command again and answer y.", NOT_DELIVERED);
    }
  }
  // Tasks that violate the schema are passed too: what depends on them is then not sent.
  const receipts = await deliver(texts, server, {
    signal,
    schema,
    onReceipt: (receipt) => report.receipt(receipt, isHeldSecret(receipt.reasons) ? undefined : texts[receipt.index]),
  });
  return exitCodeOf(receipts, brief.count);
}

function findings(texts, schema, expectedCount) {
  try {
    return lintBatch(texts, { schema, expectedCount });
  } catch {
    // A text that is not an object is a violation of its own.
    return [];
  }
}

function exitCodeOf(receipts, wanted) {
  if (receipts.some(({ outcome }) => outcome === "unconfirmed")) return UNCONFIRMED;
  const delivered = receipts.filter(({ outcome }) => outcome === "delivered").length;
  return delivered === receipts.length && delivered >= wanted ? DELIVERED : NOT_DELIVERED;
}
