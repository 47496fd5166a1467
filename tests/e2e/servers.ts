// The servers of a test: taskwright-server, the testbed, and a proxy that injects faults.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { Program, required } from "./program.ts";

/** The token of a server that is started without one. */
export const DEFAULT_TOKEN = "changeme";

const CONFIG = "config.json";

/** The contents of `config.json`, or its exact text if that is not JSON. */
export type PageConfig = Record<string, unknown> | string;

/** Options for starting a task server. */
export interface TaskServerOptions {
  /** The schema to enforce; `agent-task` by default. */
  schema?: unknown;
  /** The accepted tokens, comma-separated. */
  tokens?: string;
  /** Makes the page's `config.json` from the server's address. By default the server generates one. */
  config?: (address: string) => PageConfig;
  /** An origin whose pages may call the server, beside its own. */
  allowOrigin?: string;
  /** The port; any free one by default. */
  port?: number;
  /** The model endpoint behind the server's gateway. Its key and the tokens for it are in the environment. */
  gateway?: { endpoint: string; model: string; key: string; tokens: string };
}

/** A stored task. */
export interface StoredTask {
  id: string;
  /** Its text, byte for byte. */
  text: string;
  idempotencyKey: string | null;
}

/** `taskwright-server` with its own store. It serves the page from the checkout. */
export class TaskServer {
  private constructor(
    private readonly program: Program,
    private readonly folder: string,
    private readonly token: string,
  ) {}

  /** Starts a server that stores its tasks in `folder`. */
  static async start(folder: string, options: TaskServerOptions = {}): Promise<TaskServer> {
    await mkdir(folder, { recursive: true });
    const flags = ["--port", String(options.port ?? 0), "--data-dir", join(folder, "tasks")];
    flags.push("--static-dir", required("TASKWRIGHT_ROOT"), "--log-level", "warn");
    if (options.schema !== undefined) {
      const file = join(folder, "schema.json");
      await writeFile(file, JSON.stringify(options.schema));
      flags.push("--schema", file);
    }
    if (options.allowOrigin) flags.push("--allow-origin", options.allowOrigin);
    const config = join(folder, CONFIG);
    if (options.config) {
      await writeFile(config, "{}");
      flags.push("--page-config", config);
    }
    const environment: Record<string, string> = options.tokens ? { AGENT_API_TOKEN: options.tokens } : {};
    if (options.gateway) {
      flags.push("--model-endpoint", options.gateway.endpoint, "--model-name", options.gateway.model);
      environment.OPENAI_API_KEY = options.gateway.key;
      environment.AGENT_MODEL_TOKEN = options.gateway.tokens;
    }
    const program = await Program.start(required("TASKWRIGHT_SERVER_BIN"), flags, environment);
    const token = options.tokens?.split(",")[0] ?? DEFAULT_TOKEN;
    const server = new TaskServer(program, folder, token);
    if (options.config) await server.preset(options.config(program.address));
    return server;
  }

  /** The address of the page and of the tasks. */
  get address(): string {
    return this.program.address;
  }

  /** Host and port, as the page shows them. */
  get host(): string {
    return new URL(this.address).host;
  }

  /** All stored tasks, in order of arrival. */
  async tasks(): Promise<StoredTask[]> {
    const list = (await (await this.get("/tasks?limit=200")).json()) as {
      items: { id: string; idempotency_key: string | null }[];
    };
    return Promise.all(
      list.items.map(async ({ id, idempotency_key: idempotencyKey }) => {
        const record = await (await this.get(`/tasks/${id}`)).text();
        return { id, text: lastMember(record, "task"), idempotencyKey };
      }),
    );
  }

  /** Replaces the `config.json` that the page loads. The server must have been started with one. */
  async preset(config: PageConfig): Promise<void> {
    const text = typeof config === "string" ? config : JSON.stringify(config);
    await writeFile(join(this.folder, CONFIG), text);
  }

  /** Stops it. Its tasks stay in its folder. */
  stop(): Promise<void> {
    return this.program.stop();
  }

  private async get(path: string): Promise<Response> {
    const response = await fetch(this.address + path, { headers: { "x-agent-token": this.token } });
    if (!response.ok) throw new Error(`GET ${path} returned ${response.status}`);
    return response;
  }
}

/**
 * The text of an object's last member. `JSON.parse` would round its long numbers, so the text is cut
 * out. Parsing the rest proves that the cut is right.
 */
function lastMember(json: string, name: string): string {
  const start = json.indexOf(`"${name}":`) + name.length + 3;
  const end = json.lastIndexOf("}");
  const others = JSON.parse(`${json.slice(0, start)}null}`) as Record<string, unknown>;
  if (Object.keys(others).at(-1) !== name) throw new Error(`${name} is not the last member`);
  return json.slice(start, end);
}

/** Header names in lower case, and values. */
export type RecordedHeaders = [string, string][];

/** A request that the model endpoint recorded. */
export interface ModelRequest {
  method: string;
  path: string;
  headers: RecordedHeaders;
  body: string;
  answer: { status: number; bytes_sent: number; ended: string };
}

/** A post that a plain task server received. */
export interface ReceivedTask {
  headers: RecordedHeaders;
  body: string;
  stored: boolean;
  status: number | null;
}

/** `taskwright-testbed`: a scripted model endpoint and plain task servers at one address. */
export class Testbed {
  private constructor(private readonly program: Program) {}

  /** Starts a testbed. Pages of every origin may call its task servers. */
  static async start(): Promise<Testbed> {
    const flags = ["all", "--port", "0", "--allow-origin", "*"];
    return new Testbed(await Program.start(required("TASKWRIGHT_TESTBED_BIN"), flags));
  }

  /** Its address. */
  get address(): string {
    return this.program.address;
  }

  /** Host and port, as the page shows them. */
  get host(): string {
    return new URL(this.address).host;
  }

  /** The base URL of a model endpoint that follows a script; `tag` names its records. */
  model(script: string, tag: string): string {
    return `${this.address}/scripted/${script}/${tag}/v1`;
  }

  /** The address of a plain task server of this variant; `bucket` names its records. */
  plain(variant: string, bucket: string): string {
    return `${this.address}/plain/${variant}/${bucket}`;
  }

  /** The requests recorded under a tag, without preflights. */
  async asked(tag: string): Promise<ModelRequest[]> {
    const response = await fetch(`${this.address}/_testbed/requests?tag=${tag}`);
    const { requests } = (await response.json()) as { requests: ModelRequest[] };
    return requests.filter((request) => request.method !== "OPTIONS");
  }

  /** The posts that a plain server received, in order. */
  async received(variant: string, bucket: string): Promise<ReceivedTask[]> {
    const response = await fetch(`${this.plain(variant, bucket)}/_received`);
    return ((await response.json()) as { received: ReceivedTask[] }).received;
  }

  /** Stops it. */
  stop(): Promise<void> {
    return this.program.stop();
  }
}

/** The faults that a `FaultProxy` can inject. See the table in testbed/README.md. */
export type Fault =
  | "drop_before"
  | "drop_after"
  | "delay"
  | "truncate"
  | "status_429"
  | "status_503"
  | "status_500_bare"
  | "status_503_bare"
  | "reset";

/** The faults to inject. Posts are numbered from 1 in order of arrival. */
export interface FaultPlan {
  /** The seed of the random faults. */
  seed?: number;
  /** The probability of each fault, from 0 to 1; their sum is at most 1. */
  faults?: Partial<Record<Fault, number>>;
  /** Faults for single posts, by number. */
  at?: Record<number, Fault>;
  /** How long `delay` holds back a response, in milliseconds; 1000 by default. */
  delay_ms?: number;
  /** The `Retry-After` of `status_429` and `status_503`, in seconds; 1 by default. */
  retry_after_s?: number;
}

/** A post and its fault. */
export interface FaultedPost {
  /** Its number, from 1. */
  number: number;
  method: string;
  path: string;
  idempotency_key: string | null;
  fault: Fault | null;
  /** If false, the task server has certainly not received it. */
  reached_upstream: boolean;
  /** The status that the task server returned. */
  upstream_status: number | null;
  /** The status that the page received. */
  answered: number | null;
  /** Whether the post is finished. */
  finished: boolean;
}

/** `taskwright-testbed proxy`: injects faults between the page and a task server. */
export class FaultProxy {
  private constructor(private readonly program: Program) {}

  /** Starts a proxy for a server, such as `http://127.0.0.1:4321`. */
  static async start(upstream: string, plan: FaultPlan = {}): Promise<FaultProxy> {
    const flags = ["proxy", "--port", "0", "--to", upstream];
    const proxy = new FaultProxy(
      await Program.start(required("TASKWRIGHT_TESTBED_BIN"), flags),
    );
    await proxy.plan(plan);
    return proxy;
  }

  /** Its address, which the page uses as the task server. */
  get address(): string {
    return this.program.address;
  }

  /** Host and port, as the page shows them. */
  get host(): string {
    return new URL(this.address).host;
  }

  /** Replaces the plan. Posts are numbered from 1 again. */
  async plan(plan: FaultPlan): Promise<void> {
    const url = `${this.address}/_faults`;
    const response = await fetch(url, { method: "POST", body: JSON.stringify(plan) });
    if (!response.ok) throw new Error(`the plan was rejected: ${await response.text()}`);
  }

  /** All posts since the plan was set, in order of arrival. */
  async faults(): Promise<FaultedPost[]> {
    const response = await fetch(`${this.address}/_faults`);
    return ((await response.json()) as { posts: FaultedPost[] }).posts;
  }

  /** Stops it. */
  stop(): Promise<void> {
    return this.program.stop();
  }
}

/** A header of a recorded request. */
export function header(headers: RecordedHeaders, name: string): string | undefined {
  return headers.find(([held]) => held === name)?.[1];
}
