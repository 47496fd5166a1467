// 1,000 tasks to a server that answers after 20 ms: through the page, journal included, beside a
// bare loop of fetch in the same browser and a script that posts them one by one.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { test } from "@playwright/test";

import { AppPage } from "../../tests/e2e/app-page.ts";
import { Program, required } from "../../tests/e2e/program.ts";
import { TaskServer } from "../../tests/e2e/servers.ts";
import { approve, bareLoop, bring, bringAndApprove, memory, post, takeDelays, taskTexts, watchDelays } from "./posting.ts";

interface Wanted {
  rounds: number;
  count: number;
  large: number;
  concurrency: number;
  python: string;
  out: string;
}

interface Figures {
  /** The page, to a server that knows keys. */
  page: number[];
  /** The page, to one that does not. */
  keyless: number[];
  bare: number[];
  /** The page, with as many at a time as it can. */
  most: number[];
  python: number[];
  large: Record<string, number>;
}

/** The page sends no more than this at a time. */
const MOST_AT_A_TIME = 16;

const wanted = JSON.parse(required("TASKWRIGHT_BENCH")) as Wanted;

test("measure", async ({ browser }) => {
  const folder = await mkdtemp(join(tmpdir(), "taskwright-bench-"));
  const slow = await Program.start(required("TASKWRIGHT_TESTBED_BIN"), [
    "plain", "--delay-ms", "20", "--preflight-max-age-s", "7200", "--allow-origin", "*", "--allow-key",
  ]);
  const host = new URL(slow.address).host;
  const config = (url: string, concurrency: number, keys: boolean) => ({
    connection: "Bench",
    // Nobody asks it: with a model that wants no key the page begins a live run.
    model: { base_url: "http://127.0.0.1:9/v1", model: "none" },
    task_server: { url, concurrency, honours_idempotency_keys: keys },
  });
  const usual = config(slow.address, wanted.concurrency, true);
  const server = await TaskServer.start(folder, { config: () => usual });
  const texts = taskTexts(wanted.count);
  const figures: Figures = { page: [], keyless: [], bare: [], most: [], python: [], large: {} };

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
  // One more round than is counted: the first one warms up.
  for (let round = 0; round <= wanted.rounds; round += 1) {
    const through = async (of: typeof usual): Promise<number> => {
      await server.preset(of);
      return withPage(async (app) => {
        await bringAndApprove(app, texts);
        return post(app, texts.length, host);
      });
    };
    const page = await through(usual);
    const bare = await withPage((app) =>
      bareLoop(app.page, `${slow.address}/tasks`, texts, wanted.concurrency),
    );
    const keyless = await through(config(slow.address, wanted.concurrency, false));
    const most = await through(config(slow.address, MOST_AT_A_TIME, true));
    const python = 1_000 * Number(
      execFileSync(wanted.python, ["benches/delivery/one_by_one.py", `${slow.address}/tasks`], {
        cwd: required("TASKWRIGHT_ROOT"),
        input: texts.join("\n"),
      }),
    );
    if (round > 0) {
      figures.page.push(page);
      figures.bare.push(bare);
      figures.keyless.push(keyless);
      figures.most.push(most);
      figures.python.push(python);
    }
  }
  // A batch that is brought in: whether the page answers meanwhile, and what it holds.
  const many = taskTexts(wanted.large);
  const bytes = many.reduce((sum, text) => sum + text.length, 0);
  const fast = await Program.start(required("TASKWRIGHT_TESTBED_BIN"), [
    "plain", "--preflight-max-age-s", "7200", "--allow-origin", "*", "--allow-key",
  ]);
  await server.preset(config(fast.address, wanted.concurrency, true));
  await withPage(async (app) => {
    const before = await memory(app.page);
    await watchDelays(app.page);
    await bring(app, many);
    const brought = await takeDelays(app.page);
    await approve(app, many.length);
    const approved = await takeDelays(app.page);
    const held = await memory(app.page);
    await takeDelays(app.page);
    const took = await post(app, many.length, new URL(fast.address).host);
    const posted = await takeDelays(app.page);
    const after = await memory(app.page);
    figures.large = {
      bytes,
      took,
      bring_longest: brought.longest,
      bring_over: brought.over100,
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
  await writeFile(wanted.out, JSON.stringify(figures));
});
