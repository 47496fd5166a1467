// Posts 1,000 tasks to a server that responds after 20 ms: through the page, including the journal,
// against a plain fetch loop in the same browser and a script that posts them sequentially.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { test } from "@playwright/test";

import { AppPage } from "../../tests/e2e/app-page.ts";
import { Program, required } from "../../tests/e2e/program.ts";
import { TaskServer } from "../../tests/e2e/servers.ts";
import { approve, importAndApprove, importTasks, memory, plainLoop, post, takeDelays, taskTexts, watchDelays } from "./posting.ts";

interface Options {
  rounds: number;
  count: number;
  large: number;
  concurrency: number;
  python: string;
  out: string;
}

interface Figures {
  /** The page, to a server that honours idempotency keys. */
  page: number[];
  /** The page, to a server that does not. */
  keyless: number[];
  bare: number[];
  /** The page, at its maximum concurrency. */
  max_concurrency: number[];
  python: number[];
  large: Record<string, number>;
}

/** The page's maximum concurrency. */
const MAX_CONCURRENCY = 16;

const options = JSON.parse(required("TASKWRIGHT_BENCH")) as Options;

test("measure", async ({ browser }) => {
  const folder = await mkdtemp(join(tmpdir(), "taskwright-bench-"));
  const slow = await Program.start(required("TASKWRIGHT_TESTBED_BIN"), [
    "plain", "--delay-ms", "20", "--preflight-max-age-s", "7200", "--allow-origin", "*", "--allow-key",
  ]);
  const host = new URL(slow.address).host;
  const config = (url: string, concurrency: number, keys: boolean) => ({
    connection: "Bench",
    // Never called: a model endpoint that needs no API key puts the page in live mode.
    model: { base_url: "http://127.0.0.1:9/v1", model: "none" },
    task_server: { url, concurrency, honours_idempotency_keys: keys },
  });
  const usual = config(slow.address, options.concurrency, true);
  const server = await TaskServer.start(folder, { config: () => usual });
  const texts = taskTexts(options.count);
  const figures: Figures = { page: [], keyless: [], bare: [], max_concurrency: [], python: [], large: {} };

  const withPage = async <T>(use: (app: AppPage) => Promise<T>): Promise<T> => {
    const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC" });
    const app = new AppPage(await context.newPage());
    await app.page.goto(server.address);
    await app.modeBand.filter({ hasText: /^Live → / }).waitFor();
    try {
      return await use(app);
    } finally {
      await context.close();
    }
  };
  // One round more than requested: the first one warms up and does not count.
  for (let round = 0; round <= options.rounds; round += 1) {
    const throughPage = async (settings: typeof usual): Promise<number> => {
      await server.preset(settings);
      return withPage(async (app) => {
        await importAndApprove(app, texts);
        return post(app, texts.length, host);
      });
    };
    const page = await throughPage(usual);
    const bare = await withPage((app) =>
      plainLoop(app.page, `${slow.address}/tasks`, texts, options.concurrency),
    );
    const keyless = await throughPage(config(slow.address, options.concurrency, false));
    const maxConcurrency = await throughPage(config(slow.address, MAX_CONCURRENCY, true));
    const python = 1_000 * Number(
      execFileSync(options.python, ["benches/delivery/sequential.py", `${slow.address}/tasks`], {
        cwd: required("TASKWRIGHT_ROOT"),
        input: texts.join("\n"),
      }),
    );
    if (round > 0) {
      figures.page.push(page);
      figures.bare.push(bare);
      figures.keyless.push(keyless);
      figures.max_concurrency.push(maxConcurrency);
      figures.python.push(python);
    }
  }
  // A large import: whether the page stays responsive, and its memory.
  const many = taskTexts(options.large);
  const bytes = many.reduce((sum, text) => sum + text.length, 0);
  const fast = await Program.start(required("TASKWRIGHT_TESTBED_BIN"), [
    "plain", "--preflight-max-age-s", "7200", "--allow-origin", "*", "--allow-key",
  ]);
  await server.preset(config(fast.address, options.concurrency, true));
  await withPage(async (app) => {
    const before = await memory(app.page);
    await watchDelays(app.page);
    await importTasks(app, many);
    const imported = await takeDelays(app.page);
    await approve(app, many.length);
    const approved = await takeDelays(app.page);
    const held = await memory(app.page);
    await takeDelays(app.page);
    const postTotal = await post(app, many.length, new URL(fast.address).host);
    const posted = await takeDelays(app.page);
    const after = await memory(app.page);
    figures.large = {
      bytes,
      post_total: postTotal,
      import_longest: imported.longest,
      import_over: imported.over100,
      approve_longest: approved.longest,
      approve_over: approved.over100,
      post_longest: posted.longest,
      post_over: posted.over100,
      wasm_before: before.wasm,
      heap_before: before.heap,
      wasm_approved: held.wasm,
      heap_approved: held.heap,
      wasm_after: after.wasm,
      heap_after: after.heap,
    };
  });
  await fast.stop();
  await server.stop();
  await slow.stop();
  await rm(folder, { recursive: true, force: true });
  await writeFile(options.out, JSON.stringify(figures));
});
