// The world of a test: a browser page that may not complain, a task server of its own, and the
// testbed that its worker shares. Everything is real: programs, HTTP, the built page.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { test as base, expect, type BrowserContext, type Page } from "@playwright/test";

import { Desk } from "./desk.ts";
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
 * What the browser complained about: console errors, exceptions, violations of the page's policy.
 * A test that ends with a complaint it did not allow has failed.
 */
export class Complaints {
  private readonly heard: string[] = [];
  private readonly allowed: RegExp[] = [];

  /** Listens to a page. */
  static async of(context: BrowserContext): Promise<Complaints> {
    const complaints = new Complaints();
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    context.on("console", (message) => {
      if (message.type() === "error") complaints.heard.push(message.text());
    });
    context.on("weberror", (thrown) => complaints.heard.push(`${thrown.error()}`));
    return complaints;
  }

  /**
   * Allows a complaint that the browser makes by itself of what the test brings about, such as
   * the line about an answer with status 401.
   */
  allow(...complaints: RegExp[]): void {
    this.allowed.push(...complaints);
  }

  /** What was heard and not allowed. */
  left(): string[] {
    return this.heard.filter((text) => !this.allowed.some((pattern) => pattern.test(text)));
  }
}

/** The line that Chromium logs for an answer with this status. */
export function statusLine(status: number): RegExp {
  return new RegExp(`Failed to load resource: the server responded with a status of ${status} `);
}

/** The line that Chromium logs where no answer came. */
export const NO_ANSWER = /Failed to load resource: net::ERR_/;

/** The lines that Chromium logs for an answer that the page may not read. */
export const NOT_READABLE = /blocked by CORS policy/;

/** The servers of one test. */
export class World {
  private readonly servers: TaskServer[] = [];
  private readonly proxies: FaultProxy[] = [];

  constructor(
    /** The testbed. */
    readonly testbed: Testbed,
    /** A name that no other test has, for tags and buckets. */
    readonly tag: string,
    private readonly folder: string,
  ) {}

  /** Starts a task server of this test's own. */
  async taskServer(options: TaskServerOptions = {}): Promise<TaskServer> {
    const folder = join(this.folder, `server-${this.servers.length + 1}`);
    const server = await TaskServer.start(folder, options);
    this.servers.push(server);
    return server;
  }

  /** Starts a task server again in the folder and at the address of one that was stopped. */
  async again(stopped: TaskServer, options: TaskServerOptions = {}): Promise<TaskServer> {
    const port = Number(new URL(stopped.address).port);
    const folder = join(this.folder, `server-${this.servers.indexOf(stopped) + 1}`);
    const server = await TaskServer.start(folder, { ...options, port });
    this.servers.push(server);
    return server;
  }

  /**
   * Starts a task server whose page asks the testbed's model and posts to that same server, unless
   * `tasks` names another address. With `pauseMs` the model's answer comes in writes with so many
   * milliseconds between them: what a browser has not read when a connection breaks, it drops.
   */
  liveServer(wanted: {
    script: string;
    pauseMs?: number;
    schema?: Record<string, unknown>;
    tokens?: string;
    honoursKeys?: boolean;
    tasks?: string;
  }): Promise<TaskServer> {
    const model =
      wanted.pauseMs === undefined
        ? { base_url: this.testbed.model(wanted.script, this.tag), model: "scripted" }
        : {
            base_url: `${this.testbed.address}/v1`,
            model: `scripted:${wanted.script}?tag=${this.tag}&pause_ms=${wanted.pauseMs}`,
          };
    const config = (address: string): PageConfig => ({
      connection: "Test bench",
      model,
      task_server: {
        url: wanted.tasks ?? address,
        honours_idempotency_keys: wanted.honoursKeys ?? false,
      },
      ...(wanted.schema ? { task_schema: wanted.schema } : {}),
    });
    return this.taskServer({
      config,
      ...(wanted.schema ? { schema: wanted.schema } : {}),
      ...(wanted.tokens ? { tokens: wanted.tokens } : {}),
    });
  }

  /** Starts a proxy in front of a server, which breaks the way to it as a plan says. */
  async faultProxy(upstream: string, plan: FaultPlan = {}): Promise<FaultProxy> {
    const proxy = await FaultProxy.start(upstream, plan);
    this.proxies.push(proxy);
    return proxy;
  }

  /** Ends every server of this test and removes what they kept. */
  async close(): Promise<void> {
    await Promise.all([...this.proxies, ...this.servers].map((program) => program.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface TestFixtures {
  complaints: Complaints;
  world: World;
  desk: Desk;
}

interface WorkerFixtures {
  testbed: Testbed;
}

/** Playwright's test with the world around it. */
export const test = base.extend<TestFixtures, WorkerFixtures>({
  testbed: [
    async ({}, use) => {
      const testbed = await Testbed.start();
      await use(testbed);
      await testbed.stop();
    },
    { scope: "worker" },
  ],
  world: async ({ testbed }, use, info) => {
    const folder = await mkdtemp(join(tmpdir(), "taskwright-e2e-"));
    const world = new World(testbed, `t${info.testId}-${info.workerIndex}`, folder);
    await use(world);
    await world.close();
  },
  complaints: [
    async ({ context }, use) => {
      const complaints = await Complaints.of(context);
      await use(complaints);
      expect(complaints.left(), "the browser's console").toEqual([]);
    },
    { auto: true },
  ],
  desk: async ({ page, complaints: _listens }: { page: Page; complaints: Complaints }, use) => {
    await use(new Desk(page));
  },
});
