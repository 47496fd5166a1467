/**
 * Taskwright turns a brief into schema-checked tasks and posts them to a task server.
 *
 * Call the default export once and await it before you use anything else.
 *
 * Plain values are returned as plain objects, never as a `Map`. Members that are unknown are
 * absent, never `null`. Likewise, omit what you do not want to set: `null` is rejected. Every
 * invalid argument is reported as a `TaskwrightError`: functions that return a promise reject with
 * it, the others throw it. Before the module is loaded, its code is `not_initialized`.
 */

/**
 * The type of the objects of a global class, or `never` where there is no such class: so these types
 * need neither the types of the DOM nor those of Node.js.
 */
type Global<Name extends string> = typeof globalThis extends { [name in Name]: { prototype: infer Type } } ? Type : never;

/** A compiled WebAssembly module. */
type WebAssemblyModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Type } } } ? Type : never;

/** What `using` calls, where the language version has it. */
type WithDispose = {
  [name in typeof Symbol extends { readonly dispose: infer Name extends symbol } ? Name : never]: () => void;
};

/** Where the WebAssembly module is: its address, a response with it, its bytes, or the compiled module. */
export type ModuleSource = string | Global<"URL"> | Global<"Response"> | ArrayBuffer | Uint8Array | WebAssemblyModule;

/** Options of the default export. */
export interface InitOptions {
  /**
   * Where the WebAssembly module is. Default: the file `taskwright_bg.wasm` beside this one, which a
   * browser fetches and Node.js reads.
   */
  module_or_path?: ModuleSource | PromiseLike<ModuleSource>;
}

/**
 * Loads the WebAssembly module. Only the first call does; further calls wait for it. After a failure,
 * the next call tries again.
 * @throws {TaskwrightError} (rejects) `load_failed`, whose `cause` is the original error, and `invalid_argument`
 */
export default function init(options?: InitOptions): Promise<void>;

/** A JSON value. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/** A JSON Schema: draft 2020-12 unless `$schema` names another one. References are never fetched. At most 1 MiB. */
export type JsonSchema = { [keyword: string]: unknown };

/**
 * One task: the text of one JSON object. Its spacing, member order and number digits are preserved
 * byte for byte; whitespace around the object is removed.
 */
export type TaskText = string;

/** The error of every function of this module. It never contains a secret. */
export interface TaskwrightError extends Error {
  readonly name: "TaskwrightError";
  /** Stable identifier of the kind of error, such as `schema_invalid` or `count_out_of_range`. */
  readonly code: string;
  /** What to do about it. */
  readonly hint: string;
  /** Whether the same call may succeed if you repeat it. */
  readonly retry: boolean;
  /** With `listener_failed`: what the listener threw. With `load_failed`: the original error. */
  readonly cause?: unknown;
  /** With `listener_failed`: the generation or the receipts up to that point. */
  readonly result?: unknown;
}

/** The version of this module, such as `0.1.0`. */
export function version(): string;

/** Configuration of a page. */
export interface AppConfig {
  /** Flags as in the page's address, such as `?dry-run&count=2`. Default: those of the address. */
  query?: string;
}

export interface AppHandle extends WithDispose {}

/** A page mounted in an element. */
export class AppHandle {
  private constructor();
  /**
   * Removes the page from its element and stops what is in progress. When the page is mounted
   * again, it shows what became of a task that was being posted. Further calls do nothing.
   */
  unmount(): void;
  /** Releases the handle. The page stays mounted. */
  free(): void;
}

/**
 * Mounts the page in an element and replaces its content. Importing the module mounts nothing.
 * @throws {TaskwrightError} `invalid_argument`
 */
export function mount(element: Global<"HTMLElement">, config?: AppConfig): AppHandle;

/** What you ask for. `goal`, `context` and `rules` may have 256 KiB each. */
export interface Brief {
  /** What is to be done. Must not be empty. */
  goal: string;
  /** Background information for the model. */
  context?: string;
  /** Additional rules for the tasks. */
  rules?: string;
  /** Number of tasks, 1 to 500. Default: 3. */
  count?: number;
  /** Seed of a dry run, an integer from 0. Default: 0. */
  seed?: number;
  /** Schema of a task. Default: the default schema. */
  schema?: JsonSchema;
}

/** Returns the default task schema, `agent-task`, as a new object. */
export function defaultSchema(): JsonSchema;

/** A rule that the schema shown to the model lacks. Tasks are checked against it all the same. */
export interface Relaxation {
  /** Location of the rule in your schema, as a JSON Pointer. */
  pointer: string;
  /** Keyword of the rule. */
  keyword: string;
  /** Why it was removed or changed. */
  why: string;
}

/**
 * Returns the schema that the model is shown for one task: your schema, reduced to the strict
 * subset of structured outputs.
 * @throws {TaskwrightError} `schema_…`; `strict_…` if the subset cannot express the schema
 */
export function modelSchema(schema: JsonSchema): { schema: JsonSchema; relaxed: Relaxation[] };

/** The OpenAI API that a model endpoint implements. */
export type Api = "chat_completions" | "responses";

/** A model endpoint. */
export interface ModelSettings {
  /** Base URL, such as `https://api.openai.com/v1`; `https:`, or `http:` on loopback. */
  baseUrl: string;
  /** Name of the model at the endpoint. */
  model: string;
  /** Default: `chat_completions`. */
  api?: Api;
  /** Maximum number of output tokens of one response. Default: no limit is sent. */
  maxOutputTokens?: number;
  /** Whether the endpoint requires an API key. Default: `true` if you pass one or the endpoint is not on loopback. */
  needsKey?: boolean;
  /** Tasks per request, 1 to 500. Larger counts are split into sequential requests. Default: 25. */
  tasksPerRequest?: number;
  /**
   * Members to add to the body of each request, such as `temperature`. `model`, `messages`, `input`,
   * `stream`, `n`, `response_format`, `text` and `tools` are refused.
   */
  extraBody?: { [name: string]: unknown };
  /** Parameters to add to the URL of each request, such as `api-version`. */
  extraQuery?: { [name: string]: string };
  /** Headers to add to each request. They must not hold a secret. */
  extraHeaders?: { [name: string]: string };
  /** Header that carries the API key, such as `api-key`. Default: `Authorization`, with `Bearer`. */
  keyHeader?: string;
  /** Seconds until the model begins to write before the outcome is `stalled`, 1 to 7200. Default: 120, on loopback 300. */
  firstTokenTimeoutSeconds?: number;
  /** Seconds without any data, once the model writes, before the outcome is `stalled`, 1 to 3600. Default: 60. */
  idleTimeoutSeconds?: number;
  /** Maximum duration of one request in seconds, 1 to 86400. Default: 1800. */
  requestTimeoutSeconds?: number;
  /** The API key. Sent to the origin of `baseUrl` only, kept for this call only, and never part of an error. */
  apiKey?: string;
}

/** A request to the model, as `generate` would send it. */
export interface ModelRequest {
  method: "POST";
  url: string;
  /** Headers, with `$OPENAI_API_KEY` in place of the API key. */
  headers: { [name: string]: string };
  /** The exact body. */
  body: string;
}

/**
 * Returns the first request that `generate` would send. Nothing is sent.
 * @throws {TaskwrightError} if an argument is wrong
 */
export function buildRequest(brief: Brief, settings: ModelSettings): ModelRequest;

/** A rule that a task violates. */
export interface Violation {
  /** Location in the task, as a JSON Pointer; empty for the task itself. */
  instancePath: string;
  /** Location of the rule in the schema, as a JSON Pointer; empty for rules of JSON itself. */
  schemaPath: string;
  /**
   * Keyword of the rule; `duplicateMember` for a member name that occurs twice in an object;
   * `heldSecret` for a task that contains the API key or the agent token of the call;
   * `incompleteCheck` if the task was not checked completely because that takes too many steps.
   */
  keyword: string;
  /** What is wrong, in one sentence. */
  message: string;
  /** The number in the rule: the bound of `minimum`, `maxLength`, `minItems` and their relatives, or the divisor of `multipleOf`. */
  limit?: number;
  /** The values that `enum` or `const` allows. Absent if they are longer than 4 KiB. */
  allowed?: JsonValue[];
  /** The name of the member that is missing (`required`, `dependentRequired`). */
  missing?: string;
}

/** Options of `Validator.compile`. */
export interface CompileOptions {
  /** Whether `format` is enforced (`assert`) or ignored (`annotate`). Default: `assert`. */
  formats?: "assert" | "annotate";
  /** Other schema documents, by absolute URI. References to anything else are errors. */
  resources?: { [uri: string]: JsonSchema | boolean };
}

export interface Validator extends WithDispose {}

/** A compiled schema. Compiling takes time; validating is fast and synchronous. */
export class Validator {
  private constructor();
  /**
   * Compiles a schema. `true` accepts every value, `false` none.
   * @throws {TaskwrightError} (rejects) `schema_…`, `invalid_argument`
   */
  static compile(schema: JsonSchema | boolean, options?: CompileOptions): Promise<Validator>;
  /**
   * Returns the violations of a value. Equivalent to `validateText(JSON.stringify(value))`, so
   * numbers have the digits that JavaScript gives them.
   * @throws {TaskwrightError} `invalid_argument` if the value has no JSON text, such as `undefined`
   */
  validate(value: unknown): Violation[];
  /**
   * Returns the violations of a text, at most 200. Numbers are compared by the digits in the text.
   * @throws {TaskwrightError} `json_…` if the text is not JSON
   */
  validateText(task: TaskText): Violation[];
  /**
   * Returns the violations of each task in a text: one object, an array, `{"tasks": [...]}`, or JSON
   * Lines; at most 10,000 tasks. This is the fastest way to validate many tasks.
   * @throws {TaskwrightError} `import_…` if the text contains no tasks
   */
  validateTasks(text: string): Violation[][];
  /** Frees its memory. It cannot be used afterwards. */
  free(): void;
}

/** Options of `lintBatch`. */
export interface LintOptions {
  /** Schema from whose properties the roles are guessed, by name and type. Default: the default schema. */
  schema?: JsonSchema;
  /** Names of the members that play a role, in place of guessing. A role that is omitted is not checked. */
  roles?: { key?: string; title?: string; dependsOn?: string };
  /** Number of tasks that were asked for. */
  expectedCount?: number;
}

/** A problem in a batch. */
export interface Finding {
  code:
    | "duplicate_key"
    | "dangling_dependency"
    | "self_dependency"
    | "cyclic_dependency"
    | "wrong_count"
    | "similar_titles"
    | "not_checked";
  /** `error`: the tasks cannot be carried out as they are. `note`: something was not checked. */
  severity: "note" | "warning" | "error";
  /** Indices of the tasks it is about; empty if it is about the batch. */
  tasks: number[];
  message: string;
}

/**
 * Checks a batch as a whole: task keys, dependencies, titles and count. It does not validate single
 * tasks; use a `Validator` for that.
 * @throws {TaskwrightError} if a text is not a task
 */
export function lintBatch(tasks: TaskText[], options?: LintOptions): Finding[];

/** Tokens used, as counted by the endpoint; 0 if it does not report a number. */
export interface Usage {
  /** Tokens of the messages, including cached ones. */
  input: number;
  /** Tokens of the response, including reasoning. */
  output: number;
  cached: number;
  reasoning: number;
}

/** Something unusual that does not affect the response. */
export interface Warning {
  code: string;
  message: string;
}

/** An event while a response arrives. */
export type StreamEvent =
  /** A task is complete, even if the rest of the response fails. */
  | { type: "task"; index: number; text: TaskText; violations: Violation[] }
  /** More text of the response. */
  | { type: "text"; delta: string }
  /** Tokens used by the request so far. It replaces earlier events of this type. */
  | ({ type: "usage" } & Usage)
  | ({ type: "warning" } & Warning);

interface OutcomeOf<Name extends string> {
  outcome: Name;
  /** The outcome, or for `failed` the kind of failure, such as `rate_limited`. */
  code: string;
  /** What happened, in one sentence. */
  message: string;
  /** What to do next. */
  hint: string;
  /** Whether the same request may have another outcome if you repeat it. */
  retry: boolean;
  /** The whole text of the response, for every outcome. */
  rawText: string;
  /** The model's reasoning, if the endpoint sent it apart from the text. */
  reasoning?: string;
}

/** How a response ended. With any outcome but `complete`, tasks may be missing; those that arrived are complete. */
export type Outcome =
  | OutcomeOf<"complete">
  /** A token limit ended the response. */
  | (OutcomeOf<"cut_off"> & { /** Name of the parameter that sets the limit. */ limit: string })
  /** The model refused. */
  | (OutcomeOf<"refused"> & { /** What the model wrote. */ text: string })
  /** A content filter ended the response. */
  | OutcomeOf<"filtered">
  /** The stream ended before the response was finished. */
  | OutcomeOf<"interrupted">
  /** The model wrote nothing within a timeout (`generate` only). */
  | (OutcomeOf<"stalled"> & { /** Setting of the timeout. */ setting: "firstTokenTimeoutSeconds" | "idleTimeoutSeconds" })
  /** The signal was aborted (`generate` only). */
  | OutcomeOf<"cancelled">
  /** The endpoint returned an error, or could not be reached. */
  | (OutcomeOf<"failed"> & {
      /** HTTP status, if there was a response. */
      status?: number;
      /** The endpoint's own error code. */
      endpointCode?: string;
      /** The parameter that the endpoint names as the cause. */
      parameter?: string;
      /** Beginning of a body that is not a model's response. */
      body?: string;
      /** Wait the endpoint asked for, in milliseconds. */
      retryAfter?: number;
    });

/** Options of `TaskStream.open`. */
export interface StreamOptions {
  /** Schema of a task. */
  schema: JsonSchema;
  /** API of the response. */
  api: Api;
}

export interface TaskStream extends WithDispose {}

/**
 * Parses the body of a model's response with status 200, for callers who make the request
 * themselves; `generate` does everything. The events do not depend on how the bytes are split.
 */
export class TaskStream {
  private constructor();
  /**
   * Opens a stream for one body.
   * @throws {TaskwrightError} (rejects) `schema_…`, `invalid_argument`
   */
  static open(options: StreamOptions): Promise<TaskStream>;
  /**
   * Parses the next bytes; they may end inside a character. The text of a task is as the model wrote
   * it, except that a `null` that only the schema of `modelSchema` allows is removed.
   * @throws {TaskwrightError} `stream_finished`, `invalid_argument`
   */
  push(bytes: Uint8Array): StreamEvent[];
  /**
   * Ends the body and returns its outcome, with the events that the end completes: some endpoints
   * omit the empty line after their last event. Further calls return the same.
   */
  finish(): Outcome & { events: StreamEvent[] };
  /** Frees its memory. It cannot be used afterwards. */
  free(): void;
}

/**
 * Generates tasks without a model and without a network. They are valid against the schema, and the
 * same brief, schema and seed always give the same tasks.
 * @throws {TaskwrightError} (rejects) if an argument is wrong; `dry_run_…` if no task can satisfy the schema
 */
export function dryRun(brief: Brief): Promise<TaskText[]>;

/** Options of `generate`. */
export interface GenerateOptions {
  /** Cancels the request, or the wait before a retry. The outcome is then `cancelled`. */
  signal?: Global<"AbortSignal">;
  /** Called with each event as it happens. If it throws, the request is cancelled and the promise rejects with `listener_failed`. */
  onEvent?: (event: StreamEvent) => void;
}

/** A change of a request after the endpoint refused a part of it. */
export interface Adaptation {
  /** Stable identifier, such as `response_format` or `omit_parameter`. */
  code:
    | "response_format"
    | "token_limit"
    | "omit_stream_options"
    | "omit_store"
    | "no_streaming"
    | "merge_system_message"
    | "omit_keyword"
    | "omit_parameter";
  /** The response format, or the name of the parameter or keyword. */
  value?: string;
  /** What is different, in one sentence. */
  message: string;
}

/** One request of a generation. */
export interface GenerationRequest {
  outcome: Outcome;
  /** Number of tasks the request asked for. */
  wanted: number;
  /** Number of tasks that arrived. */
  arrived: number;
  /** Number of HTTP calls, including failed ones. */
  calls: number;
  /** Tokens used by all calls; absent if the endpoint did not report them. */
  usage?: Usage;
}

/** The result of `generate`. */
export interface Generation {
  /** `complete` if every request is complete; otherwise the outcome of the last request. */
  outcome: Outcome;
  /** Every task that arrived complete, in the order of arrival. */
  tasks: { text: TaskText; violations: Violation[] }[];
  /** Tokens used by all requests, including failed ones; absent if the endpoint did not report them. */
  usage?: Usage;
  warnings: Warning[];
  /** The changes of the requests that the endpoint made necessary. */
  adaptations: Adaptation[];
  /** The requests, in order. */
  requests: GenerationRequest[];
}

/**
 * Asks the model for the tasks of a brief, in several requests if `count` exceeds
 * `tasksPerRequest`. How the generation ended is data (`outcome`), not an error.
 *
 * If the endpoint refuses a part of the request (the response format, a keyword of the schema, a
 * parameter, streaming, the system message), `generate` changes it and asks again, up to five times
 * as long as no task has arrived; each change is a warning and is listed in `adaptations`. A call that failed temporarily (408, 409, 429, 5xx or no response, but not an
 * exhausted quota) is retried twice, as long as no task of its request has arrived: after up to
 * half a second and up to one second, or after the time that `Retry-After` asks for, up to a minute.
 * @throws {TaskwrightError} (rejects) if an argument is wrong, before anything is sent
 */
export function generate(brief: Brief, settings: ModelSettings, options?: GenerateOptions): Promise<Generation>;

/** A task server. */
export interface TaskServerSettings {
  /** Address of the server, such as `http://localhost:8080`; `https:`, or `http:` on loopback. */
  url: string;
  /** Path of the `POST`, appended to `url`. Default: `/tasks`. */
  path?: string;
  /** Header that carries the token. Default: `X-AGENT-TOKEN`. */
  tokenHeader?: string;
  /** Word before the token, such as `Bearer`. Default: none. */
  tokenScheme?: string;
  /** Headers to add to each request. They must hold no secret. */
  extraHeaders?: Record<string, string>;
  /** Parameters to add to the URL of each request. They must hold no secret. */
  extraQuery?: Record<string, string>;
  /** Whether the server honours `Idempotency-Key`. The key is sent only if it does. Default: `false`. */
  honoursIdempotencyKeys?: boolean;
  /** Maximum number of concurrent requests, 1 to 16. Default: 4. */
  concurrency?: number;
  /**
   * The JSON to send for each task: `{"type": "work", "payload": $task}` with the task in an envelope,
   * `{"tenant": "north", ...$task}` with members added, or `{"name": $task.title}` with single members.
   * `$uuid`, `$number`, `$run` and `$time` are generated. Default: the task alone.
   */
  bodyTemplate?: string;
  /** Where the server's identifier is in its response, as a JSON Pointer such as `/data/id`. Default: it is looked for. */
  idPointer?: string;
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
  /** Idempotency key of the task. Pass it again to post an `unconfirmed` task once more: safe only if the server honours `Idempotency-Key`. */
  idempotencyKey: string;
  /** SHA-256 of the exact body, in hexadecimal. */
  digest: string;
}

/** Why a task was refused, and the field it is about. */
export interface Reason {
  /** Field of the task, as a JSON Pointer; empty for the task itself. */
  instancePath: string;
  message: string;
  /** With `schema_violation`: the keyword of the rule, and its `limit`, `allowed` or `missing` as in `Violation`. */
  keyword?: string;
  limit?: number;
  allowed?: JsonValue[];
  missing?: string;
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
  /**
   * The server does not accept the task as it is. So does a 403 once the server accepted the agent token in this call, a 409
   * that says that the task is a duplicate or conflicts with something, and a redirect that demonstrably only adjusts
   * the trailing slash of the path. Redirects are never followed, and this one has no `status`.
   */
  | (ReceiptOf<"refused"> & { status?: number; reasons: Reason[] })
  /** The server did not accept the task after all attempts, or before you aborted. It can be posted again. */
  | (ReceiptOf<"failed"> & { status: number; /** Wait the server asked for, in milliseconds. */ retryAfter?: number })
  /** 401, or 403 before the server accepted any task: the server rejected the agent token and did not accept the task. */
  | (ReceiptOf<"unauthorized"> & { status: number })
  /** The server may or may not have the task. */
  | (ReceiptOf<"unconfirmed"> & { status?: number })
  /**
   * No request was made. `code` says why:
   * - `stopped`: the signal was aborted, or `onReceipt` threw;
   * - `first_not_taken`: the server refused the first task;
   * - `token_refused`: the server rejected the agent token;
   * - `server_in_trouble`: the server did not accept or confirm earlier tasks;
   * - `dependency_not_delivered`: a task it depends on was not delivered;
   * - `duplicate_key`: an earlier task of the array has the same task key (`retry` is `false`);
   * - `schema_violation`: the task violates the schema you passed; see `reasons` (`retry` is `false`);
   * - `not_sent`: a request could not be made; see `message`.
   */
  | (ReceiptOf<"not_sent"> & { /** With `schema_violation`: the violations. */ reasons?: Reason[] });

/** Options of `deliver`. */
export interface DeliverOptions {
  /** Stops posting: no further request is made, and requests in flight are awaited. */
  signal?: Global<"AbortSignal">;
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
 * `concurrency` requests run at a time. A task that the server did not accept (425, 429, or 503 with
 * `Retry-After`) is posted again with backoff, no sooner than `Retry-After` asks, up to 12 times
 * within 15 minutes. A task that may have arrived is posted again with the same key if the server
 * honours keys, and never otherwise. Posting stops if the first task is refused or unconfirmed, if
 * the server rejects the token, or if it keeps failing.
 *
 * There is no journal: keep the receipts.
 * @throws {TaskwrightError} (rejects) if an argument is wrong, before anything is sent
 */
export function deliver(tasks: TaskInput[], settings: TaskServerSettings, options?: DeliverOptions): Promise<Receipt[]>;

// Only what is marked as exported can be imported.
export {};
