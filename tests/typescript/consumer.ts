// A consumer of the built module. It is never run: the types are correct if it compiles, and if
// each line after a `@ts-expect-error` does not.
import init, {
  AppHandle,
  TaskStream,
  Validator,
  buildRequest,
  defaultSchema,
  deliver,
  dryRun,
  generate,
  lintBatch,
  modelSchema,
  mount,
  version,
} from "../../pkg/taskwright.js";
import type {
  Brief,
  Finding,
  Generation,
  JsonSchema,
  ModelRequest,
  ModelSettings,
  Outcome,
  Receipt,
  Relaxation,
  StreamEvent,
  TaskInput,
  TaskServerSettings,
  TaskText,
  TaskwrightError,
  Violation,
} from "../../pkg/taskwright.js";

/** Does not compile if a case of the union is missing. */
function never(value: never): never {
  throw new Error(`unknown: ${String(value)}`);
}

async function page(element: HTMLElement): Promise<void> {
  await init();
  const installed: string = version();
  console.log(installed);
  const handle: AppHandle = mount(element);
  handle.unmount();
  mount(element, { query: "?dry-run&count=2" }).free();
  // @ts-expect-error: an id is not an element
  mount("app");
  // @ts-expect-error: unknown setting
  mount(element, { search: "" });
  // @ts-expect-error: undefined does not mean omitted
  mount(element, { query: undefined });
}

async function schemas(): Promise<void> {
  const schema: JsonSchema = defaultSchema();
  const shown: { schema: JsonSchema; relaxed: Relaxation[] } = modelSchema(schema);
  const places: string[] = shown.relaxed.map(({ pointer, keyword, why }) => pointer + keyword + why);
  const validator = await Validator.compile({ type: "object", title: places.join() }, {
    formats: "annotate",
    resources: { "https://example.com/a.json": true },
  });
  (await Validator.compile(false)).free();
  const violations: Violation[] = validator.validate({ anything: [1, null] });
  for (const { instancePath, schemaPath, keyword, message } of validator.validateText("{}")) {
    const words: string = instancePath + schemaPath + keyword + message;
    violations.push({ instancePath: words, schemaPath, keyword, message });
  }
  for (const { limit, allowed, missing } of violations) {
    const data: string = `${limit?.toFixed()} ${allowed?.map(String).join()} ${missing?.trim()}`;
    console.log(data);
  }
  const lists: Violation[][] = validator.validateTasks("[{}, {}]");
  violations.push(...lists.flat());
  validator.free();
  validator[Symbol.dispose]();
  // @ts-expect-error: the constructor is private
  new Validator();
  // @ts-expect-error: a schema is an object, not its text
  await Validator.compile("{}");
  // @ts-expect-error: unknown option value
  await Validator.compile({}, { formats: "ignore" });
  // @ts-expect-error: a task is a text
  validator.validateText({});
  // @ts-expect-error: compile returns a promise
  Validator.compile({}).validate({});
}

function batch(tasks: TaskText[]): number {
  const findings: Finding[] = lintBatch(tasks, {
    schema: defaultSchema(),
    roles: { key: "id", title: "name", dependsOn: "after" },
    expectedCount: 3,
  });
  // @ts-expect-error: roles are named in camel case
  lintBatch(tasks, { roles: { depends_on: "after" } });
  return findings.filter(({ severity, code }) => severity === "error" && code !== "wrong_count").length;
}

const brief: Brief = { goal: "Ship it", count: 3, seed: 7, schema: defaultSchema() };
const model: ModelSettings = {
  baseUrl: "https://api.openai.com/v1",
  model: "a-model",
  api: "responses",
  extraBody: { temperature: 0.2, reasoning: { effort: "low" } },
  extraQuery: { "api-version": "2026-01-01" },
  extraHeaders: { "X-Title": "Plans" },
  keyHeader: "api-key",
  firstTokenTimeoutSeconds: 30,
  apiKey: "key",
};

function request(): ModelRequest {
  const made = buildRequest(brief, model);
  const method: "POST" = made.method;
  const authorization: string | undefined = made.headers["Authorization"];
  // @ts-expect-error: goal is required
  buildRequest({}, model);
  // @ts-expect-error: a count is a number
  buildRequest({ goal: "g", count: "3" }, model);
  // @ts-expect-error: null does not mean omitted
  buildRequest({ goal: "g", context: null }, model);
  // @ts-expect-error: unknown API
  buildRequest(brief, { ...model, api: "soap" });
  return { ...made, method, url: authorization ?? made.url };
}

function describeEvent(event: StreamEvent): string {
  switch (event.type) {
    case "task":
      return `${event.index}: ${event.text} ${event.violations.length}`;
    case "text":
      return event.delta;
    case "usage":
      return String(event.input + event.output + event.cached + event.reasoning);
    case "warning":
      return event.code + event.message;
    default:
      return never(event);
  }
}

function describeOutcome(outcome: Outcome): string {
  const common = [outcome.code, outcome.message, outcome.hint, outcome.rawText, String(outcome.retry)];
  switch (outcome.outcome) {
    case "complete":
    case "filtered":
    case "interrupted":
    case "cancelled":
      return common.join() + (outcome.reasoning ?? "");
    case "stalled":
      return outcome.setting;
    case "cut_off":
      return outcome.limit;
    case "refused":
      return outcome.text;
    case "failed":
      return `${outcome.status ?? outcome.endpointCode ?? outcome.parameter} ${outcome.retryAfter} ${outcome.body}`;
    default:
      return never(outcome);
  }
}

async function stream(pieces: Uint8Array[]): Promise<string> {
  const reader = await TaskStream.open({ schema: defaultSchema(), api: "chat_completions" });
  const events = pieces.flatMap((piece) => reader.push(piece));
  // @ts-expect-error: push accepts bytes only
  reader.push("data: {}");
  // @ts-expect-error: api is required
  await TaskStream.open({ schema: {} });
  const end = reader.finish();
  return [...events, ...end.events].map(describeEvent).join() + describeOutcome(end);
}

async function run(signal: AbortSignal): Promise<Receipt[]> {
  const dry: TaskText[] = await dryRun(brief);
  const slow: ModelSettings = { ...model, tasksPerRequest: 10, idleTimeoutSeconds: 120, requestTimeoutSeconds: 900 };
  const made: Generation = await generate(brief, slow, { signal, onEvent: (event) => describeEvent(event) });
  for (const { outcome, wanted, arrived, calls, usage } of made.requests) {
    console.log(outcome.outcome, wanted - arrived, calls, usage?.input ?? 0);
  }
  const complete = made.outcome.outcome === "complete" ? made.tasks : [];
  const cost: number | undefined = made.usage?.output;
  const server: TaskServerSettings = {
    tokenScheme: "Bearer",
    extraHeaders: { "X-Tenant": "north" },
    extraQuery: { queue: "blue" },
    url: "http://localhost:8080",
    honoursIdempotencyKeys: true,
    concurrency: 8,
    agentToken: "token",
  };
  // @ts-expect-error: agentToken is required
  await deliver(dry, { url: "http://localhost:8080" });
  // @ts-expect-error: tasks are texts
  await deliver([{}], server);
  // @ts-expect-error: keys are passed with the tasks
  await deliver(dry, server, { idempotencyKeys: ["key"] });
  const valid: TaskInput[] = complete.filter(({ violations }) => violations.length === 0).map(({ text }) => text);
  return deliver([...valid, { text: "{}" }, { text: "{}", idempotencyKey: String(cost) }], server, {
    signal,
    onReceipt: (receipt) => describeReceipt(receipt),
    schema: defaultSchema(),
  });
}

function describeReceipt(receipt: Receipt): string {
  switch (receipt.outcome) {
    case "delivered":
      return `${receipt.status} ${receipt.serverId ?? receipt.idempotencyKey} ${receipt.replayed}`;
    case "refused":
      return receipt.reasons.map(({ instancePath, message }) => instancePath + message).join();
    case "failed":
      return `${receipt.status} ${receipt.retryAfter}`;
    case "unauthorized":
      return String(receipt.status);
    case "unconfirmed":
      return `${receipt.status} ${receipt.digest}`;
    case "not_sent":
      return `${receipt.index} ${receipt.code} ${receipt.retry} ${receipt.attempts} ${receipt.reasons?.length}`;
    default:
      return never(receipt);
  }
}

function caught(error: TaskwrightError): string {
  const name: "TaskwrightError" = error.name;
  return [name, error.code, error.hint, error.message, error.retry, error.cause, error.result].join();
}

export { batch, caught, page, request, run, schemas, stream };
