// The fixtures of a test: a page whose console must stay free of errors, its own task servers, and the
// testbed that all tests of a worker share. Everything is real: programs, HTTP, the built page.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { test as base, expect, type BrowserContext, type Page } from "@playwright/test";

import { AppPage } from "./app-page.ts";
import {
  FaultProxy,
  TaskServer,
  Testbed,
  type FaultPlan,
  type PageConfig,
  type TaskServerOptions,
} from "./servers.ts";

export { expect };

/**
 * Errors that the browser reported: console errors, exceptions, violations of the content security
 * policy. A test fails if it ends with an error that it did not allow.
 */
export class Complaints {
  private readonly reported: string[] = [];
  private readonly allowed: RegExp[] = [];

  /** Collects the errors of all pages of a context. */
  static async of(context: BrowserContext): Promise<Complaints> {
    const complaints = new Complaints();
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    context.on("console", (message) => {
      if (message.type() === "error") complaints.reported.push(message.text());
    });
    context.on("weberror", (thrown) => complaints.reported.push(`${thrown.error()}`));
    return complaints;
  }

  /**
   * Allows errors that the browser reports for what the test does, such as the line for a response
   * with status 401.
   */
  allow(...complaints: RegExp[]): void {
    this.allowed.push(...complaints);
  }

  /** The errors that were not allowed. */
  unexpected(): string[] {
    return this.reported.filter((text) => !this.allowed.some((pattern) => pattern.test(text)));
  }
}

/** The line that Chromium logs for a response with this status. */
export function statusLine(status: number): RegExp {
  return new RegExp(`Failed to load resource: the server responded with a status of ${status} `);
}

/** The line that Chromium logs for a request without a response. */
export const NO_RESPONSE = /Failed to load resource: net::ERR_/;

/** The lines that Chromium logs for a response that the page may not read. */
export const NOT_READABLE = /blocked by CORS policy/;

/** The servers of one test. */
export class World {
  private readonly servers: TaskServer[] = [];
  private readonly proxies: FaultProxy[] = [];

  constructor(
    /** The testbed. */
    readonly testbed: Testbed,
    /** A unique name for tags and buckets. */
    readonly tag: string,
    private readonly folder: string,
  ) {}

  /** Starts a task server. */
  async taskServer(options: TaskServerOptions = {}): Promise<TaskServer> {
    const folder = join(this.folder, `server-${this.servers.length + 1}`);
    const server = await TaskServer.start(folder, options);
    this.servers.push(server);
    return server;
  }

  /** Restarts a stopped task server with the same folder and address. */
  async restart(stopped: TaskServer, options: TaskServerOptions = {}): Promise<TaskServer> {
    const port = Number(new URL(stopped.address).port);
    const folder = join(this.folder, `server-${this.servers.indexOf(stopped) + 1}`);
    const server = await TaskServer.start(folder, { ...options, port });
    this.servers.push(server);
    return server;
  }

  /**
   * Starts a task server whose page calls the testbed's model and posts to that server, unless `tasks`
   * is another address. With `pauseMs`, the model pauses for that many milliseconds between writes: a
   * browser drops data that it has not read when the connection breaks.
   */
  liveServer(options: {
    script: string;
    pauseMs?: number;
    schema?: Record<string, unknown>;
    tokens?: string;
    honoursKeys?: boolean;
    tasks?: string;
  }): Promise<TaskServer> {
    const model =
      options.pauseMs === undefined
        ? { base_url: this.testbed.model(options.script, this.tag), model: "scripted" }
        : {
            base_url: `${this.testbed.address}/v1`,
            model: `scripted:${options.script}?tag=${this.tag}&pause_ms=${options.pauseMs}`,
          };
    const config = (address: string): PageConfig => ({
      connection: "Test bench",
      model,
      task_server: {
        url: options.tasks ?? address,
        honours_idempotency_keys: options.honoursKeys ?? false,
      },
      ...(options.schema ? { task_schema: options.schema } : {}),
    });
    return this.taskServer({
      config,
      ...(options.schema ? { schema: options.schema } : {}),
      ...(options.tokens ? { tokens: options.tokens } : {}),
    });
  }

  /** Starts a proxy that injects faults in front of a server. */
  async faultProxy(upstream: string, plan: FaultPlan = {}): Promise<FaultProxy> {
    const proxy = await FaultProxy.start(upstream, plan);
    this.proxies.push(proxy);
    return proxy;
  }

  /** Stops all servers and removes their data. */
  async close(): Promise<void> {
    await Promise.all([...this.proxies, ...this.servers].map((program) => program.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface TestFixtures {
  complaints: Complaints;
  world: World;
  app: AppPage;
}

interface WorkerFixtures {
  testbed: Testbed;
}

/** Playwright's `test` with these fixtures. */
export const test = base.extend<TestFixtures, WorkerFixtures>({
  testbed: [
    async ({}, use) => {
      const testbed = await Testbed.start();
      await use(testbed);
      await testbed.stop();
    },
    { scope: "worker" },
  ],
  world: async ({ testbed, context }, use, info) => {
    const folder = await mkdtemp(join(tmpdir(), "taskwright-e2e-"));
    const world = new World(testbed, `t${info.testId}-${info.workerIndex}`, folder);
    await use(world);
    // A page that still loads something would report the stopped server in its console.
    await Promise.all(context.pages().map((page) => page.close()));
    await world.close();
  },
  complaints: [
    async ({ context }, use) => {
      const complaints = await Complaints.of(context);
      await use(complaints);
      expect(complaints.unexpected(), "the browser's console").toEqual([]);
    },
    { auto: true },
  ],
  app: async ({ page, complaints: _listens }: { page: Page; complaints: Complaints }, use) => {
    await use(new AppPage(page));
  },
});
