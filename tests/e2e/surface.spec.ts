// The built module as its users import it: in a page of their own and in Node.js.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { expect, test, type Page } from "@playwright/test";

import { AppPage } from "./app-page.ts";
import { required } from "./program.ts";
import { TaskServer, Testbed, header } from "./servers.ts";

const ROOT = required("TASKWRIGHT_ROOT");
/** Tasks with these task keys. */
const tasksWithKeys = (...keys: string[]) => keys.map((key) => `{"key":"${key}"}`);
const LONG = '{ "key": "a", "title": "One two", "priority":"low", "instructions":"x",  "inputs":[{"value":"12345678901234567890","name":"n"}] }';

let testbed: Testbed;
let server: TaskServer;
let folder: string;

test.beforeAll(async () => {
  testbed = await Testbed.start();
  folder = await mkdtemp(join(tmpdir(), "taskwright-surface-"));
  server = await TaskServer.start(folder);
});

test.afterAll(async () => {
  await Promise.all([testbed.stop(), server.stop()]);
  await rm(folder, { recursive: true });
});

/** Opens a page without ours: a plain JSON document of the server. */
async function consumer(page: Page): Promise<void> {
  await page.goto(`${server.address}/healthz`);
}

/** Runs a function with the module in the browser. */
async function withModule<A, R>(page: Page, use: (module: any, argument: A) => Promise<R>, argument: A): Promise<R> {
  const module = await page.evaluateHandle(async (path) => {
    const module = await import(path);
    await module.default();
    return module;
  }, "/pkg/taskwright.js");
  return (await module.evaluate(use as any, argument)) as R;
}

test("a page generates, validates and delivers without mounting anything", async ({ page }) => {
  await consumer(page);
  const base = testbed.model("plain", "surface-browser");
  const seen = await withModule(
    page,
    async (module, { base, url }) => {
      const brief = { goal: "Tidy the shed", count: 3 };
      const events: any[] = [];
      const generation = await module.generate(
        brief,
        { baseUrl: base, model: "scripted" },
        { onEvent: (event: any) => events.push(event) },
      );
      const texts = generation.tasks.map((task: any) => task.text);
      const validator = await module.Validator.compile(module.defaultSchema());
      const receipts = await module.deliver(texts, { url, agentToken: "changeme", honoursIdempotencyKeys: true });
      const again = await module.deliver(
        texts.map((text: string, index: number) => ({ text, idempotencyKey: receipts[index].idempotencyKey })),
        { url, agentToken: "changeme", honoursIdempotencyKeys: true },
      );
      return {
        generation,
        texts,
        receipts,
        again,
        body: document.querySelectorAll("main, #app").length,
        taskEvents: events.filter((event) => event.type === "task").map((event) => event.text),
        textEvents: events.filter((event) => event.type === "text").map((event) => event.delta).join(""),
        violations: texts.flatMap((text: string) => validator.validateText(text)),
        findings: module.lintBatch(texts, { expectedCount: 3 }),
      };
    },
    { base, url: server.address },
  );
  expect(seen.generation.outcome.outcome).toBe("complete");
  expect(seen.generation.usage.output).toBeGreaterThan(0);
  expect(seen.texts).toHaveLength(3);
  expect(seen.taskEvents).toEqual(seen.texts);
  expect(seen.textEvents).toBe(seen.generation.outcome.rawText);
  expect(seen.violations).toEqual([]);
  expect(seen.findings).toEqual([]);
  expect(seen.body).toBe(0);
  expect(seen.receipts.map((receipt: any) => [receipt.index, receipt.outcome, receipt.status, receipt.replayed])).toEqual([
    [0, "delivered", 201, false],
    [1, "delivered", 201, false],
    [2, "delivered", 201, false],
  ]);
  // Same keys and same bodies: the server stores each task once.
  expect(seen.again.map((receipt: any) => [receipt.status, receipt.serverId])).toEqual(
    seen.receipts.map((receipt: any) => [200, receipt.serverId]),
  );
  const stored = await server.tasks();
  const ours = stored.filter(({ id }) => seen.receipts.some((receipt: any) => receipt.serverId === id));
  // Requests run concurrently, so they may be stored in another order.
  expect(ours.map(({ text }) => text).sort()).toEqual([...seen.texts].sort());
  const [asked] = await testbed.asked("surface-browser");
  expect(header(asked!.headers, "authorization")).toBeUndefined();
});

test("the exact bytes are posted, and no idempotency key unless the server honours keys", async ({ page }) => {
  await consumer(page);
  const url = testbed.plain("ok200", "surface-exact");
  const receipts = await withModule(
    page,
    (module, { url, text }) => module.deliver([text], { url, agentToken: "changeme" }) as Promise<any[]>,
    { url, text: LONG },
  );
  expect(receipts).toMatchObject([{ outcome: "delivered", serverId: "1" }]);
  const [received] = await testbed.received("ok200", "surface-exact");
  expect(received!.body).toBe(LONG);
  expect(header(received!.headers, "idempotency-key")).toBeUndefined();
});

test("a wrong token ends the delivery and is in no receipt and no error", async ({ page }) => {
  await consumer(page);
  const seen = await withModule(
    page,
    async (module, { url, texts }) => {
      const receipts = await module.deliver(texts, { url, agentToken: "hunter2" });
      const refused = await module
        .deliver(texts, { url: "http://example.com", agentToken: "hunter2" })
        .catch((error: any) => ({ ...error, name: error.name, message: error.message, isError: error instanceof Error }));
      return { receipts, refused };
    },
    { url: server.address, texts: tasksWithKeys("a", "b") },
  );
  expect(seen.receipts.map((receipt: any) => [receipt.outcome, receipt.code, receipt.retry])).toEqual([
    ["unauthorized", "unauthorized", true],
    ["not_sent", "token_refused", true],
  ]);
  expect(seen.refused).toMatchObject({ name: "TaskwrightError", code: "address_not_secure", isError: true, retry: false });
  expect(JSON.stringify(seen)).not.toContain("hunter2");
});

test("a delivery respects dependencies, retries what was not taken and reports what cannot be sent", async ({ page }) => {
  await consumer(page);
  const texts = ['{"key":"last","depends_on":"first"}', ...tasksWithKeys("first", "first"), '{"key":"other"}'];
  const seen = await withModule(
    page,
    async (module, { ordered, busy, texts }) => {
      const issued: number[] = [];
      const receipts = await module.deliver(
        texts,
        { url: ordered, agentToken: "changeme", concurrency: 1 },
        { onReceipt: ({ index }: any) => issued.push(index) },
      );
      const retried = await module.deliver(texts.slice(1, 2), { url: busy, agentToken: "changeme" });
      const schema = { type: "object", required: ["title"] };
      const invalid = await module.deliver(["{}"], { url: ordered, agentToken: "changeme" }, { schema });
      return { receipts, issued, retried, invalid };
    },
    { ordered: testbed.plain("ok200", "surface-order"), busy: testbed.plain("rate429_first_1", "surface-busy"), texts },
  );
  expect(seen.receipts.map(({ outcome, code }: any) => [outcome, code])).toEqual([
    ["delivered", "delivered"],
    ["delivered", "delivered"],
    ["not_sent", "duplicate_key"],
    ["delivered", "delivered"],
  ]);
  expect(seen.issued).toEqual([2, 1, 0, 3]);
  const received = await testbed.received("ok200", "surface-order");
  expect(received.map(({ body }) => body)).toEqual([texts[1], texts[0], texts[3]]);
  expect(seen.retried).toMatchObject([{ outcome: "delivered", attempts: 2 }]);
  expect(seen.invalid).toMatchObject([{ code: "schema_violation", reasons: [{ instancePath: "" }] }]);
});

test("an aborted signal cancels a generation and ends a delivery before the next task", async ({ page }) => {
  await consumer(page);
  const seen = await withModule(
    page,
    async (module, { slow, plain, texts }) => {
      const stop = new AbortController();
      const generation = await module.generate({ goal: "g" }, { baseUrl: slow, model: "scripted" }, {
        signal: stop.signal,
        onEvent: (event: any) => event.type === "text" && stop.abort(),
      });
      const between = new AbortController();
      const receipts = await module.deliver(texts, { url: plain, agentToken: "changeme" }, {
        signal: between.signal,
        onReceipt: () => between.abort(new Error("enough")),
      });
      const before = await module.deliver(texts.slice(1), { url: plain, agentToken: "changeme" }, { signal: AbortSignal.abort("no error") });
      return { generation, receipts, before };
    },
    { slow: testbed.model("slow", "surface-slow"), plain: testbed.plain("ok200", "surface-stop"), texts: tasksWithKeys("a", "b", "c") },
  );
  expect(seen.generation.outcome.outcome).toBe("cancelled");
  expect(seen.receipts.map((receipt: any) => receipt.code)).toEqual(["delivered", "stopped", "stopped"]);
  expect(seen.before.map((receipt: any) => receipt.code)).toEqual(["stopped", "stopped"]);
  expect(await testbed.received("ok200", "surface-stop")).toHaveLength(1);
});

test("large counts are split into requests, and the idle timeout is configurable", async ({ page }) => {
  await consumer(page);
  const seen = await withModule(
    page,
    async (module, { many, stalled, overloaded }) => {
      const brief = { goal: "Sort the letters", count: 8 };
      const warned: string[] = [];
      return [
        await module.generate(brief, { baseUrl: many, model: "scripted", tasksPerRequest: 3 }),
        await module.generate(brief, { baseUrl: stalled, model: "scripted", idleTimeoutSeconds: 1 }),
        await module.generate(brief, { baseUrl: overloaded, model: "scripted" }, {
          onEvent: (event: any) => event.type === "warning" && warned.push(event.code),
        }),
      ];
    },
    {
      many: testbed.model("plain", "surface-many"),
      stalled: testbed.model("stalled", "surface-stalled"),
      overloaded: testbed.model("http-503-twice", "surface-overloaded"),
    },
  );
  expect(seen.map((generation: any) => generation.outcome.outcome)).toEqual(["complete", "stalled", "complete"]);
  const [many, , overloaded] = seen;
  expect(many.tasks).toHaveLength(8);
  expect(new Set(many.tasks.map(({ text }: any) => JSON.parse(text).key)).size).toBe(8);
  expect(many.requests.map(({ wanted, arrived }: any) => [wanted, arrived])).toEqual([[3, 3], [3, 3], [2, 2]]);
  const used = many.requests.map(({ usage }: any) => usage.input);
  expect(many.usage.input).toBe(used[0] + used[1] + used[2]);
  expect(overloaded.requests.map(({ calls }: any) => calls)).toEqual([3]);
});

test("a listener that throws ends the delivery, and no receipt is lost", async ({ page }) => {
  await consumer(page);
  const url = testbed.plain("ok200", "surface-throw");
  const seen = await withModule(
    page,
    async (module, { url, texts }) => {
      const onReceipt = () => {
        throw new RangeError("the disk is full");
      };
      try {
        return await module.deliver(texts, { url, agentToken: "changeme" }, { onReceipt });
      } catch (error: any) {
        return { code: error.code, message: error.message, cause: String(error.cause), result: error.result };
      }
    },
    { url, texts: tasksWithKeys("a", "b") },
  );
  expect(seen).toMatchObject({
    code: "listener_failed",
    message: "onReceipt threw: the disk is full",
    cause: "RangeError: the disk is full",
    result: [{ outcome: "delivered" }, { outcome: "not_sent", code: "stopped" }],
  });
});

test("an API key is sent to its endpoint, and a failing endpoint is an outcome", async ({ page }) => {
  await consumer(page);
  const seen = await withModule(
    page,
    async (module, { needs, wrong, off }) => {
      const brief = { goal: "g", count: 1 };
      const outcomes = [];
      for (const settings of [
        { baseUrl: needs, model: "scripted", apiKey: "testbed-key" },
        { baseUrl: needs, model: "scripted", apiKey: "hunter2" },
        { baseUrl: wrong, model: "scripted" },
        { baseUrl: off, model: "scripted" },
      ]) {
        const { outcome } = await module.generate(brief, settings);
        outcomes.push(outcome);
      }
      return outcomes;
    },
    {
      needs: testbed.model("needs-this-key", "surface-key"),
      wrong: testbed.model("html-200", "surface-html"),
      off: "http://127.0.0.1:9/v1",
    },
  );
  expect(seen.map((outcome: any) => outcome.code)).toEqual(["complete", "key_refused", "web_page", "unreachable"]);
  expect(JSON.stringify(seen)).not.toContain("hunter2");
  const [asked] = await testbed.asked("surface-key");
  expect(header(asked!.headers, "authorization")).toBe("Bearer testbed-key");
});

test("buildRequest returns the request of generate, and TaskStream parses its response alike", async ({ page }) => {
  await consumer(page);
  const base = testbed.model("split-characters", "surface-built");
  const seen = await withModule(
    page,
    async (module, { base }) => {
      const brief = { goal: "g", count: 2 };
      const settings = { baseUrl: base, model: "scripted" };
      const generation = await module.generate(brief, settings);
      const { method, url, headers, body } = module.buildRequest(brief, settings);
      const answer = await fetch(url, { method, headers, body });
      const stream = await module.TaskStream.open({ schema: module.defaultSchema(), api: "chat_completions" });
      const tasks: any[] = [];
      const reader = answer.body!.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        for (const event of stream.push(value)) {
          if (event.type === "task") tasks.push({ text: event.text, violations: event.violations });
        }
      }
      return { generation, tasks, outcome: stream.finish(), keyed: module.buildRequest(brief, { ...settings, apiKey: "hunter2" }) };
    },
    { base },
  );
  expect(seen.tasks.length).toBeGreaterThan(0);
  expect(seen.tasks).toEqual(seen.generation.tasks);
  // No task arrived with the end of the response.
  expect(seen.outcome).toEqual({ ...seen.generation.outcome, events: [] });
  const [made, ours] = await testbed.asked("surface-built");
  expect(ours!.body).toBe(made!.body);
  expect(seen.keyed.headers.Authorization).toBe("Bearer $OPENAI_API_KEY");
  expect(JSON.stringify(seen.keyed)).not.toContain("hunter2");
});

test("a page is mounted in an element and unmounted again", async ({ page }) => {
  await consumer(page);
  const failures: string[] = [];
  page.on("pageerror", (error) => failures.push(String(error)));
  const seen = await withModule(
    page,
    async (module, query) => {
      const element = document.body.appendChild(document.createElement("div"));
      const settled = () => new Promise((resolve) => setTimeout(resolve, 300));
      const handle = module.mount(element, { query });
      await settled();
      const count = Array.from(element.querySelectorAll("input"), (input) => input.value);
      const mounted = element.textContent!.length;
      handle.unmount();
      handle.unmount();
      await settled();
      const after = element.childElementCount;
      const again = module.mount(element);
      again.free();
      await settled();
      const kept = element.textContent!.length;
      const wrong = [];
      for (const [target, config] of [["app"], [null], [element, { query: 7 }], [element, { search: "" }]]) {
        try {
          module.mount(target, config);
        } catch (error: any) {
          wrong.push(error.code);
        }
      }
      return { count, mounted, after, kept, wrong };
    },
    "?dry-run&count=17",
  );
  expect(seen.mounted).toBeGreaterThan(100);
  expect(seen.count).toContain("17");
  expect(seen.after).toBe(0);
  expect(seen.kept).toBeGreaterThan(100);
  expect(seen.wrong).toEqual(Array(4).fill("invalid_argument"));
  expect(failures).toEqual([]);
});

test("a page that is unmounted during a run does not fail afterwards", async ({ page }) => {
  await consumer(page);
  const failures: string[] = [];
  page.on("pageerror", (error) => failures.push(String(error)));
  page.on("console", (message) => message.type() === "error" && failures.push(message.text()));
  const handle = await page.evaluateHandle(async (path) => {
    const module = await import(path);
    await module.default();
    return module.mount(document.body.appendChild(document.createElement("div")), { query: "?dry-run" });
  }, "/pkg/taskwright.js");
  const app = new AppPage(page);
  await app.fillBrief({ goal: "Tidy the shed", count: "500" });
  await app.generate();
  await expect(app.tasks.first()).toBeVisible();
  const left = await handle.evaluate((handle: any) => {
    handle.unmount();
    return document.body.lastElementChild!.childElementCount;
  });
  await page.waitForTimeout(1500);
  expect(left).toBe(0);
  expect(failures).toEqual([]);
});

test("Node.js loads the module from its bytes, generates and delivers", async () => {
  const script = join(folder, "consumer.mjs");
  await writeFile(
    script,
    `import { readFile } from "node:fs/promises";
import init, { Validator, defaultSchema, deliver, dryRun, generate, version } from ${JSON.stringify(pathToFileURL(join(ROOT, "pkg/taskwright.js")).href)};
const wasm = new URL("taskwright_bg.wasm", ${JSON.stringify(pathToFileURL(join(ROOT, "pkg/")).href)});
await init({ module_or_path: await readFile(wasm) });
const [base, url] = process.argv.slice(2);
const brief = { goal: "Tidy the shed", count: 2, seed: 7 };
const dry = await dryRun(brief);
const same = await dryRun(brief);
const validator = await Validator.compile(defaultSchema());
const { outcome, tasks } = await generate(brief, { baseUrl: base, model: "scripted" });
const receipts = await deliver(tasks.map(({ text }) => text), { url, agentToken: "changeme" });
const redirected = await deliver(["{}"], { url: url.replace("ok200", "redirect307"), agentToken: "changeme" });
console.log(JSON.stringify({ version: version(), dry, same, violations: dry.flatMap((text) => validator.validateText(text)), outcome, tasks, receipts, redirected }));
`,
  );
  const url = testbed.plain("ok200", "surface-node");
  const { stdout } = await promisify(execFile)(process.execPath, [script, testbed.model("plain", "surface-node"), url]);
  const seen = JSON.parse(stdout);
  expect(seen.version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(seen.dry).toHaveLength(2);
  expect(seen.dry).toEqual(seen.same);
  expect(seen.violations).toEqual([]);
  expect(seen.outcome.outcome).toBe("complete");
  expect(seen.receipts.map((receipt: any) => receipt.outcome)).toEqual(["delivered", "delivered"]);
  expect(seen.redirected[0]).toMatchObject({ outcome: "refused", code: "redirected", retry: false });
  const received = await testbed.received("ok200", "surface-node");
  expect(received.map(({ body }) => body)).toEqual(seen.tasks.map(({ text }: any) => text));
});
