/**
 * Taskwright: a brief becomes schema-checked tasks in a task server.
 *
 * Call the default export once and await it; everything else works after that. In a browser and in
 * a worker it fetches the `.wasm` file beside this one; in Node.js give it the file's bytes.
 *
 * Plain values come out as plain objects, never as a `Map`. A member that is not
 * known is absent, never `null`; likewise leave out what you do not want to set, `null` is refused.
 * Whatever is wrong with an argument is a `TaskwrightError`. Functions that return a promise reject
 * with it, the others throw it.
 */

/** A JSON value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/** A JSON Schema: draft 2020-12 unless `$schema` says otherwise. Nothing it refers to is fetched. At most 1 MiB. */
export type JsonSchema = { [keyword: string]: unknown };

/**
 * One task: the text of one JSON object, byte for byte. Spacing, the order of members and every
 * digit of a number stay as they are; white space around the object is not part of it.
 */
export type TaskText = string;

/** What every function of the module fails with. Never holds a secret. */
export interface TaskwrightError extends Error {
  readonly name: "TaskwrightError";
  /** A stable name for the kind of error, such as `schema_invalid` or `count_out_of_range`. */
  readonly code: string;
  /** What to do about it. */
  readonly hint: string;
  /** Whether the same call again may succeed. */
  readonly retry: boolean;
  /** With the code `listener_failed`: what the listener threw. */
  readonly cause?: unknown;
  /** With the code `listener_failed`: the generation, or the receipts, until then. */
  readonly result?: unknown;
}

/** The settings of a page. */
export interface AppConfig {
  /** Flags as in the page's address, such as `?dry-run&count=2`. Those of the address when left out. */
  query?: string;
}

/** A page in an element. */
export class AppHandle {
  private constructor();
  /** Takes the page out of its element and stops what is under way; a task that is on its way is shown as unknown when the page comes back. Again: does nothing. */
  unmount(): void;
  /** Lets go of the handle. The page stays where it is. */
  free(): void;
  [Symbol.dispose](): void;
}

/**
 * Puts the page into an element, in place of what is there. Nothing is mounted by importing the module.
 * @throws {TaskwrightError} `invalid_argument`
 */
export function mount(element: HTMLElement, config?: AppConfig): AppHandle;

/** What you ask for. */
export interface Brief {
  /** What is to be done; not empty. At most 256 KiB, as `context` and `rules`. */
  goal: string;
  /** What the model should know. */
  context?: string;
  /** Further rules for the tasks. */
  rules?: string;
  /** How many tasks, 1 to 500; 3 when left out. */
  count?: number;
  /** What a dry run's tasks are drawn from besides the texts: a whole number from 0; 0 when left out. */
  seed?: number;
  /** The schema of a task; the default one when left out. */
  schema?: JsonSchema;
}

/** The default task schema, `agent-task`; a new object each time. */
export function defaultSchema(): JsonSchema;

/** A rule that the model is not told in its schema. Every task is checked against it all the same. */
export interface Relaxation {
  /** Where the rule stands in your schema, as a JSON Pointer. */
  pointer: string;
  /** The rule's keyword. */
  keyword: string;
  /** Why it was left out or changed. */
  why: string;
}

/**
 * The schema that the model is shown for one task: your schema in the strict subset of structured
 * outputs.
 * @throws {TaskwrightError} `schema_…`; `strict_…` where it has no form in the subset
 */
export function modelSchema(schema: JsonSchema): { schema: JsonSchema; relaxed: Relaxation[] };

/** Which of OpenAI's interfaces an endpoint speaks. */
export type Api = "chat_completions" | "responses";

/** Where the model is asked. */
export interface ModelSettings {
  /** The base address, such as `https://api.openai.com/v1`; `https:`, or `http:` on loopback. */
  baseUrl: string;
  /** The model's name as the endpoint knows it. */
  model: string;
  /** `chat_completions` when left out. */
  api?: Api;
  /** A limit on the tokens of the answer; none is sent when left out. */
  maxOutputTokens?: number;
  /** Whether the endpoint wants a key. When left out: if one is given, and everywhere but on loopback. */
  needsKey?: boolean;
  /** How many tasks one request asks for, 1 to 500; 25 when left out. More are asked for in several requests, one after the other. */
  tasksPerRequest?: number;
  /** For how many seconds nothing may arrive before the outcome is `stalled`, 1 to 3600; 60 when left out. */
  idleSeconds?: number;
  /** How many seconds one call may take in all, 1 to 86400; 600 when left out. */
  callSeconds?: number;
  /** The key. Goes to `baseUrl`'s origin and nowhere else, is kept for the call only and is part of no error. */
  modelKey?: string;
}

/** A request to the model, as it would leave. */
export interface ModelRequest {
  method: "POST";
  url: string;
  /** With `$OPENAI_API_KEY` in place of the key. */
  headers: { [name: string]: string };
  /** The body, exactly. */
  body: string;
}

/**
 * The request that `generate` would begin with. Nothing is sent.
 * @throws {TaskwrightError}
 */
export function buildRequest(brief: Brief, settings: ModelSettings): ModelRequest;

/** One rule that a task breaks. */
export interface Violation {
  /** Where in the task, as a JSON Pointer; empty for the task itself. */
  instancePath: string;
  /** Which rule, as a JSON Pointer into the schema; empty for rules of JSON itself. */
  schemaPath: string;
  /** The rule's keyword, or `duplicateKey` for a name that stands twice in one object. */
  keyword: string;
  /** What is wrong, in words. */
  message: string;
}

/** How a schema is compiled. */
export interface CompileOptions {
  /** Whether `format` is a rule (`assert`, when left out) or only says something (`annotate`). */
  formats?: "assert" | "annotate";
  /** Further schema documents by their absolute address. Nothing else is ever looked up. */
  resources?: { [address: string]: JsonSchema | boolean };
}

/** A compiled schema. Compiling takes its time; checking is quick and synchronous. */
export class Validator {
  private constructor();
  /**
   * Compiles a schema; `true` is one that allows everything, `false` one that allows nothing.
   * @throws {TaskwrightError} (rejects) `schema_…`, `invalid_argument`
   */
  static compile(schema: JsonSchema | boolean, options?: CompileOptions): Promise<Validator>;
  /**
   * What is wrong with a value; nothing for a valid one. The same as
   * `validateText(JSON.stringify(value))`, so a number has the digits that JavaScript gives it.
   * @throws {TaskwrightError} `invalid_argument` for what has no JSON text, such as `undefined`
   */
  validate(value: unknown): Violation[];
  /**
   * What is wrong with a text, judged by its own digits; nothing for a valid one, at most 200 violations.
   * @throws {TaskwrightError} `json_…` for a text that is not JSON
   */
  validateText(task: TaskText): Violation[];
  /**
   * What is wrong with each task of a text: one object, an array, `{"tasks": [...]}`, or JSON Lines; at
   * most 10,000 tasks. A list for each of them, in their order. The text is read once and in place, so
   * this is the fast way for many.
   * @throws {TaskwrightError} `bring_…` for a text that holds no tasks
   */
  validateTasks(text: string): Violation[][];
  /** Gives its memory back; it cannot be used after that. */
  free(): void;
  [Symbol.dispose](): void;
}

/** What a batch is held against. */
export interface LintOptions {
  /** The schema whose members the roles are guessed from, by name and type; the default one when left out. */
  schema?: JsonSchema;
  /** The members that play a role, by name, in place of guessing. A role that is left out is played by none. */
  roles?: { key?: string; title?: string; dependsOn?: string };
  /** How many tasks were asked for. */
  expectedCount?: number;
}

/** One thing to know about a batch. */
export interface Finding {
  code:
    | "duplicate_key"
    | "dangling_dependency"
    | "self_dependency"
    | "cyclic_dependency"
    | "wrong_count"
    | "similar_titles"
    | "not_checked";
  /** `error`: the tasks cannot be carried out as they are. `note`: something was not looked at. */
  severity: "note" | "warning" | "error";
  /** Which tasks it is about, by their place from 0; empty: the batch. */
  tasks: number[];
  message: string;
}

/**
 * Looks at a batch as a whole: keys, dependencies, titles, the count. What the schema says of one
 * task is the validator's affair.
 * @throws {TaskwrightError} for what is no task
 */
export function lintBatch(tasks: TaskText[], options?: LintOptions): Finding[];

/** Tokens of one request as the endpoint counted them; 0 where it does not say. */
export interface Usage {
  /** Those of the messages, cached ones included. */
  input: number;
  /** Those of the answer, reasoning included. */
  output: number;
  cached: number;
  reasoning: number;
}

/** Something odd that takes nothing away from an answer. */
export interface Warning {
  code: string;
  message: string;
}

/** Something that happened while an answer arrives. */
export type StreamEvent =
  /** A task's JSON closed. It is whole, whatever becomes of the rest of the answer. */
  | { type: "task"; index: number; text: TaskText; violations: Violation[] }
  /** More of the answer's text. */
  | { type: "text"; delta: string }
  /** What the request cost so far; a later one replaces an earlier one. */
  | ({ type: "usage" } & Usage)
  | ({ type: "warning" } & Warning);

interface OutcomeOf<Name extends string> {
  outcome: Name;
  /** The name of the outcome; for a failure that of its kind, such as `rate_limited`. */
  code: string;
  /** What happened, in one sentence. */
  message: string;
  /** What to do next. */
  hint: string;
  /** Whether the same request again may end otherwise. */
  retry: boolean;
  /** All of the answer's text, whatever became of it. */
  rawText: string;
}

/** How an answer ended. Only `complete` is whole; the closed tasks of any other are whole tasks of half an answer. */
export type Outcome =
  | OutcomeOf<"complete">
  /** A limit on tokens ended it. */
  | (OutcomeOf<"cut_off"> & { /** The parameter that carries the limit. */ limit: string })
  /** The model refused. */
  | (OutcomeOf<"refused"> & { /** Its words. */ text: string })
  /** A content filter ended it. */
  | OutcomeOf<"filtered">
  /** The stream ended without a word that it was finished. */
  | OutcomeOf<"interrupted">
  /** Nothing arrived for a minute (`generate` only). */
  | OutcomeOf<"stalled">
  /** The signal was given (`generate` only). */
  | OutcomeOf<"cancelled">
  | (OutcomeOf<"failed"> & {
      /** The HTTP status, where the failure is one of the status. */
      status?: number;
      /** The endpoint's own code. */
      endpointCode?: string;
      /** The parameter that the endpoint blames. */
      parameter?: string;
      /** The beginning of a body that is no answer. */
      body?: string;
      /** How long to wait before asking again, in milliseconds, where the endpoint says so. */
      retryAfter?: number;
    });

/** What a stream needs to know. */
export interface StreamOptions {
  /** The schema of a task. */
  schema: JsonSchema;
  api: Api;
}

/**
 * Reads the body of an answer with status 200: bytes in, events out. However the bytes are split,
 * the same events come. For those who make the request themselves; `generate` does it all.
 */
export class TaskStream {
  private constructor();
  /**
   * A stream at the start of a body.
   * @throws {TaskwrightError} (rejects) `schema_…`, `invalid_argument`
   */
  static open(options: StreamOptions): Promise<TaskStream>;
  /**
   * Takes the next bytes; they may end anywhere, inside a character too. A task's text is as the
   * model wrote it, but for each `null` that only `modelSchema` allows, which is taken out.
   * @throws {TaskwrightError} `stream_finished`, `invalid_argument`
   */
  push(bytes: Uint8Array): StreamEvent[];
  /** Says that the body has ended, and gives the outcome; again: the same outcome. */
  finish(): Outcome;
  /** Gives its memory back; it cannot be used after that. */
  free(): void;
  [Symbol.dispose](): void;
}

/**
 * Tasks without a model and without a network: made from the brief and its seed, valid by the
 * schema, the same for the same brief, schema and seed.
 * @throws {TaskwrightError} (rejects) also `dry_run_…` where the schema cannot be satisfied
 */
export function dryRun(brief: Brief): Promise<TaskText[]>;

/** What can be set for `generate`. */
export interface GenerateOptions {
  /** Stops the request, or the wait before it is made again; the outcome is `cancelled` then. */
  signal?: AbortSignal;
  /** Is told what happens, at once. Where it throws, the request is stopped and the promise rejected with `listener_failed`. */
  onEvent?: (event: StreamEvent) => void;
}

/** One request of a generation. */
export interface GenerationRequest {
  outcome: Outcome;
  /** How many tasks it asked for. */
  wanted: number;
  /** How many came. */
  arrived: number;
  /** How many calls were made for it: those that failed, and the one that counts. */
  calls: number;
  /** What all its calls used; absent where the endpoint did not say. */
  usage?: Usage;
}

/** What the model was asked for, and what it came to. */
export interface Generation {
  /** `complete` where every request is; else how the last one ended. */
  outcome: Outcome;
  /** Every task that closed, in the order of the answers. */
  tasks: { text: TaskText; violations: Violation[] }[];
  /** What all requests used, those that failed included; absent where the endpoint did not say. */
  usage?: Usage;
  warnings: Warning[];
  /** The requests, in their order. */
  requests: GenerationRequest[];
}

/**
 * Asks the model for the tasks of a brief, in several requests where there are many. How it ended
 * is data (`outcome`), not an error. An endpoint that does not take the schema is asked again with
 * less, with a warning. While no task of a request has arrived, a call that failed by chance (408,
 * 409, 429, 5xx, no answer; not a quota that is used up) is made again twice, after half a second
 * and a second or after what `Retry-After` asks for, up to a minute.
 * @throws {TaskwrightError} (rejects) for what is wrong with the arguments, before anything is sent
 */
export function generate(brief: Brief, settings: ModelSettings, options?: GenerateOptions): Promise<Generation>;

/** Where tasks are posted. */
export interface TaskServerSettings {
  /** Address of the server, such as `http://localhost:8080`; `https:`, or `http:` on loopback. */
  url: string;
  /** Path of the `POST`, appended to `url`. Default: `/tasks`. */
  path?: string;
  /** Header that carries the token. Default: `X-AGENT-TOKEN`. */
  tokenHeader?: string;
  /** Whether the server honours `Idempotency-Key`. The key is sent only if it does. Default: `false`. */
  honoursIdempotencyKeys?: boolean;
  /** Maximum number of concurrent requests, 1 to 16. Default: 4. */
  concurrency?: number;
  /** JSON wrapped around each task, with `$task` in its place: `{"type": "work", "payload": $task}`. Default: the task alone. */
  bodyTemplate?: string;
  /** The agent token. Sent to the origin of `url` only, kept for this call only, and never part of an error. */
  agentToken: string;
}

/** A task to post: its text, or its text with an idempotency key. */
export type TaskInput =
  | TaskText
  | {
      text: TaskText;
      /**
       * Key to use as it is, such as that of an earlier receipt: 1 to 200 visible ASCII characters,
       * different for each task. Default: a new one.
       */
      idempotencyKey?: string;
    };

interface ReceiptOf<Name extends string> {
  /** Index of the task in the array you passed. */
  index: number;
  outcome: Name;
  /** The outcome, or a more specific reason: the server's own code, or why nothing was sent. */
  code: string;
  /** What happened, in one sentence. */
  message: string;
  /** What to do next. */
  hint: string;
  /** Whether the same task can be posted again without the risk of a duplicate. */
  retry: boolean;
  /** Number of requests made for the task. */
  attempts: number;
  /** Idempotency key of the task. Pass it again to post an `unconfirmed` task once more. */
  idempotencyKey: string;
  /** SHA-256 of the exact body, in hexadecimal. */
  digest: string;
}

/** Why a task was refused, and the field it is about. */
export interface Reason {
  /** Field of the task, as a JSON Pointer; empty for the task itself. */
  instancePath: string;
  message: string;
}

/** The outcome of posting one task. */
export type Receipt =
  /** The server has the task. */
  | (ReceiptOf<"delivered"> & {
      status: number;
      /** The server's id for the task, if it returned one. */
      serverId?: string;
      /** Whether the server reports that it already had the task. */
      replayed: boolean;
    })
  /** The server will not take the task as it is. Redirects count as refusals, are never followed, and have no `status`. */
  | (ReceiptOf<"refused"> & { status?: number; reasons: Reason[] })
  /** The server did not take the task after all attempts, or before you aborted. It can be posted again. */
  | (ReceiptOf<"failed"> & { status: number; /** Wait the server asked for, in milliseconds. */ retryAfter?: number })
  /** 401 or 403: the server rejected the token and did not take the task. */
  | (ReceiptOf<"unauthorized"> & { status: number })
  /** The server may or may not have the task. */
  | (ReceiptOf<"unconfirmed"> & { status?: number })
  /**
   * No request was made. `code` says why:
   * - `stopped`: the signal was aborted, or `onReceipt` threw;
   * - `first_not_taken`: the server refused the first task;
   * - `token_refused`: the server rejected the token;
   * - `server_in_trouble`: the server did not take or confirm earlier tasks;
   * - `dependency_not_delivered`: a task it depends on was not delivered;
   * - `duplicate_key`: an earlier task of the array has the same task key (`retry` is `false`);
   * - `schema_violation`: the task violates the schema you passed; see `reasons` (`retry` is `false`);
   * - `not_sent`: a request could not be made; see `message`.
   */
  | (ReceiptOf<"not_sent"> & { /** With `schema_violation`: the violations. */ reasons?: Reason[] });

/** Options of `deliver`. */
export interface DeliverOptions {
  /** Stops posting: no further request is made, and requests under way are awaited. */
  signal?: AbortSignal;
  /**
   * Called with each receipt as soon as it is final. If it throws, posting stops and the promise
   * rejects with `listener_failed`, whose `result` holds the receipts.
   */
  onReceipt?: (receipt: Receipt) => void;
  /**
   * Schema of a task. Tasks that violate it are not sent, and its properties determine which member
   * is the task key and which holds the dependencies. Without it, every JSON object is sent, and
   * those members are `key` and `depends_on`, as in the default schema.
   */
  schema?: JsonSchema;
}

/**
 * Posts tasks, byte for byte, and returns one receipt per task in the order of `tasks`.
 *
 * A task is posted after the tasks it depends on. The first one goes alone; then up to
 * `concurrency` requests run at a time. A task that the server did not take (425, 429, or 503 with
 * `Retry-After`) is posted again with backoff, no sooner than `Retry-After` asks, up to 12 times
 * within 15 minutes. A task that may have arrived is posted again with the same key if the server
 * honours keys, and never otherwise. Posting stops if the first task is refused or unconfirmed, if
 * the server rejects the token, or if it keeps failing.
 *
 * There is no journal: keep the receipts.
 * @throws {TaskwrightError} (rejects) if an argument is wrong, before anything is sent
 */
export function deliver(tasks: TaskInput[], settings: TaskServerSettings, options?: DeliverOptions): Promise<Receipt[]>;
