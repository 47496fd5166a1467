// What stands behind the page in a test: the task server that comes along, the testbed, and a proxy
// that breaks the way between them.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { Program, required } from "./program.ts";

/** The token of a server that nobody gave one. */
export const DEFAULT_TOKEN = "changeme";

const CONFIG = "config.json";

/** What `config.json` says, or its exact text where it is to be something else than settings. */
export type PageConfig = Record<string, unknown> | string;

/** How a task server is to be started. */
export interface TaskServerOptions {
  /** The schema it enforces; the built-in `agent-task` where none is given. */
  schema?: unknown;
  /** The accepted tokens, comma-separated. */
  tokens?: string;
  /** The page's `config.json`, made from the server's address; without it the server makes one. */
  config?: (address: string) => PageConfig;
  /** A port instead of any free one. */
  port?: number;
}

/** A task as it was posted. */
export interface StoredTask {
  id: string;
  /** Its text, byte for byte. */
  text: string;
  idempotencyKey: string | null;
}

/** `taskwright-server` with a store of its own, which serves the page of the checkout. */
export class TaskServer {
  private constructor(
    private readonly program: Program,
    private readonly folder: string,
    private readonly token: string,
  ) {}

  /** Starts one; `folder` is where it keeps its tasks. */
  static async start(folder: string, options: TaskServerOptions = {}): Promise<TaskServer> {
    await mkdir(folder, { recursive: true });
    const flags = ["--port", String(options.port ?? 0), "--data-dir", join(folder, "tasks")];
    flags.push("--static-dir", required("TASKWRIGHT_ROOT"), "--log-level", "warn");
    if (options.schema !== undefined) {
      const file = join(folder, "schema.json");
      await writeFile(file, JSON.stringify(options.schema));
      flags.push("--schema", file);
    }
    const config = join(folder, CONFIG);
    if (options.config) {
      await writeFile(config, "{}");
      flags.push("--page-config", config);
    }
    const environment = options.tokens ? { AGENT_API_TOKEN: options.tokens } : {};
    const program = await Program.start(required("TASKWRIGHT_SERVER_BIN"), flags, environment);
    const token = options.tokens?.split(",")[0] ?? DEFAULT_TOKEN;
    const server = new TaskServer(program, folder, token);
    if (options.config) await server.preset(options.config(program.address));
    return server;
  }

  /** Where the page and the tasks are. */
  get address(): string {
    return this.program.address;
  }

  /** Host and port, as the page writes them. */
  get host(): string {
    return new URL(this.address).host;
  }

  /** Every task it holds, in the order of arrival. */
  async tasks(): Promise<StoredTask[]> {
    const list = (await (await this.get("/tasks?limit=200")).json()) as {
      items: { id: string; idempotency_key: string | null }[];
    };
    return Promise.all(
      list.items.map(async ({ id, idempotency_key: idempotencyKey }) => {
        const answer = await (await this.get(`/tasks/${id}`)).text();
        return { id, text: lastMember(answer, "task"), idempotencyKey };
      }),
    );
  }

  /** Gives the page another `config.json` at its next load; the server has to have begun with one. */
  async preset(config: PageConfig): Promise<void> {
    const text = typeof config === "string" ? config : JSON.stringify(config);
    await writeFile(join(this.folder, CONFIG), text);
  }

  /** Ends it. What it holds stays in its folder. */
  stop(): Promise<void> {
    return this.program.stop();
  }

  private async get(path: string): Promise<Response> {
    const answer = await fetch(this.address + path, { headers: { "x-agent-token": this.token } });
    if (!answer.ok) throw new Error(`GET ${path} answered ${answer.status}`);
    return answer;
  }
}

/**
 * The text of an object's last member. `JSON.parse` would round its long numbers, so the text is
 * cut out, and the cut is proven to be right by putting something else in its place.
 */
function lastMember(json: string, name: string): string {
  const start = json.indexOf(`"${name}":`) + name.length + 3;
  const end = json.lastIndexOf("}");
  const others = JSON.parse(`${json.slice(0, start)}null}`) as Record<string, unknown>;
  if (Object.keys(others).at(-1) !== name) throw new Error(`${name} is not the last member`);
  return json.slice(start, end);
}

/** Names in lower case, and values. */
export type RecordedHeaders = [string, string][];

/** What the model endpoint noted about a request. */
export interface ModelRequest {
  method: string;
  path: string;
  headers: RecordedHeaders;
  body: string;
  answer: { status: number; bytes_sent: number; ended: string };
}

/** What a plain task server received. */
export interface ReceivedTask {
  headers: RecordedHeaders;
  body: string;
  stored: boolean;
  status: number | null;
}

/** `taskwright-testbed`: the model endpoint and plain task servers at one address. */
export class Testbed {
  private constructor(private readonly program: Program) {}

  /** Starts one. Pages of every origin may call its task servers. */
  static async start(): Promise<Testbed> {
    const flags = ["all", "--port", "0", "--allow-origin", "*"];
    return new Testbed(await Program.start(required("TASKWRIGHT_TESTBED_BIN"), flags));
  }

  /** Where it listens. */
  get address(): string {
    return this.program.address;
  }

  /** Host and port, as the page writes them. */
  get host(): string {
    return new URL(this.address).host;
  }

  /** The base address of a model endpoint that does what a script says; `tag` names its records. */
  model(script: string, tag: string): string {
    return `${this.address}/scripted/${script}/${tag}/v1`;
  }

  /** The address of a plain task server with a habit, and a memory of its own. */
  plain(variant: string, bucket: string): string {
    return `${this.address}/plain/${variant}/${bucket}`;
  }

  /** The requests that were recorded under a tag, preflights left out. */
  async asked(tag: string): Promise<ModelRequest[]> {
    const answer = await fetch(`${this.address}/_testbed/requests?tag=${tag}`);
    const { requests } = (await answer.json()) as { requests: ModelRequest[] };
    return requests.filter((request) => request.method !== "OPTIONS");
  }

  /** What a plain server received, in order. */
  async received(variant: string, bucket: string): Promise<ReceivedTask[]> {
    const answer = await fetch(`${this.plain(variant, bucket)}/_received`);
    return ((await answer.json()) as { received: ReceivedTask[] }).received;
  }

  /** Ends it. */
  stop(): Promise<void> {
    return this.program.stop();
  }
}

/** What can befall a post on its way through a `FaultProxy`; testbed/README.md has the table. */
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

/** Which post meets which fault. Posts count from 1, in the order in which they arrived. */
export interface FaultPlan {
  /** What the shares are drawn by; the same one draws the same. */
  seed?: number;
  /** How often each fault comes, from 0 to 1; together at most 1. */
  faults?: Partial<Record<Fault, number>>;
  /** The faults of single posts. */
  at?: Record<number, Fault>;
  /** Milliseconds that `delay` holds an answer; 1000 unless given. */
  delay_ms?: number;
  /** Seconds in the `Retry-After` of `status_429` and `status_503`; 1 unless given. */
  retry_after_s?: number;
}

/** A post, and what was done to it. */
export interface FaultedPost {
  /** Its number, from 1. */
  number: number;
  method: string;
  path: string;
  idempotency_key: string | null;
  fault: Fault | null;
  /** Where this is false, the task server has certainly not taken it. */
  reached_upstream: boolean;
  /** What the task server answered. */
  upstream_status: number | null;
  /** What the page was sent. */
  answered: number | null;
  /** Whether nothing more will happen to it. */
  finished: boolean;
}

/** `taskwright-testbed proxy`: breaks the way to a task server as a plan says. */
export class FaultProxy {
  private constructor(private readonly program: Program) {}

  /** Starts one in front of a server, such as `http://127.0.0.1:4321`. */
  static async start(upstream: string, plan: FaultPlan = {}): Promise<FaultProxy> {
    const flags = ["proxy", "--port", "0", "--to", upstream];
    const proxy = new FaultProxy(
      await Program.start(required("TASKWRIGHT_TESTBED_BIN"), flags),
    );
    await proxy.plan(plan);
    return proxy;
  }

  /** Where it listens: what the page is to take for the task server. */
  get address(): string {
    return this.program.address;
  }

  /** Host and port, as the page writes them. */
  get host(): string {
    return new URL(this.address).host;
  }

  /** Gives it another plan; posts count from 1 again. */
  async plan(plan: FaultPlan): Promise<void> {
    const url = `${this.address}/_faults`;
    const answer = await fetch(url, { method: "POST", body: JSON.stringify(plan) });
    if (!answer.ok) throw new Error(`the plan was refused: ${await answer.text()}`);
  }

  /** Every post since the plan was given, in the order of arrival. */
  async faults(): Promise<FaultedPost[]> {
    const answer = await fetch(`${this.address}/_faults`);
    return ((await answer.json()) as { posts: FaultedPost[] }).posts;
  }

  /** Ends it. */
  stop(): Promise<void> {
    return this.program.stop();
  }
}

/** A header of a recorded request. */
export function header(headers: RecordedHeaders, name: string): string | undefined {
  return headers.find(([held]) => held === name)?.[1];
}
