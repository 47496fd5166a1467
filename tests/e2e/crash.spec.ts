// The page is closed or reloaded at many points while it posts over a faulty connection. Afterwards the
// tasks on the server are compared with those that were approved.
import type { BrowserContext, Page } from "@playwright/test";

import { AppPage } from "./app-page.ts";
import type { FaultPlan, TaskServer } from "./servers.ts";
import { expect, NO_RESPONSE, NOT_READABLE, statusLine, test } from "./world.ts";

const COUNT = 50;

/** A seeded generator of numbers from 0 to below 1 (linear congruential). */
function seededRandom(seed: number): () => number {
  let state = BigInt(seed);
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn;
    return Number(state >> 33n) / 2 ** 31;
  };
}

const TASKS = Array.from({ length: COUNT }, (_, at) => ({
  key: `task-${at}`,
  title: `Do part ${at}`,
  instructions: "As the others.",
  priority: "normal",
  // Some depend on others, so that their order has to survive every crash.
  ...(at % 7 === 3 ? { depends_on: [`task-${at - 2}`] } : {}),
}));

async function importAndApprove(app: AppPage, address: string): Promise<void> {
  await app.open(address);
  await app.press("Import tasks…");
  const dialog = app.dialog("Import tasks");
  await dialog.getByRole("textbox").fill(JSON.stringify(TASKS));
  await dialog.getByRole("button", { name: `Import ${COUNT} tasks` }).click();
  await app.approveAll(COUNT);
}

/** The key of each task that the server stored. */
async function stored(server: TaskServer): Promise<string[]> {
  const tasks = await server.tasks();
  return tasks.map((task) => (JSON.parse(task.text) as { key: string }).key).sort();
}

/** Closes or reloads the page after some posts, and returns to it. */
async function interrupt(context: BrowserContext, app: AppPage, random: () => number): Promise<AppPage> {
  const address = app.page.url();
  const after = 1 + Math.floor(random() * 6);
  const delay = random() * 15;
  let seen = 0;
  await new Promise<void>((resolve) => {
    // There may be fewer posts left, or a long Retry-After.
    const timeout = setTimeout(resolve, 4_000);
    app.page.on("request", (request) => {
      if (request.method() !== "POST") return;
      seen += 1;
      if (seen === after) {
        clearTimeout(timeout);
        setTimeout(resolve, delay);
      }
    });
  });
  let page: Page = app.page;
  if (random() < 0.5) {
    await page.close();
    page = await context.newPage();
    await page.goto(address);
  } else {
    await page.reload();
  }
  return new AppPage(page);
}

/**
 * Resumes posting, with the token that a new page does not have. Returns false if there is nothing to
 * resume.
 */
async function resume(app: AppPage): Promise<boolean> {
  const resumeButton = app.button("Resume posting");
  const done = app.heading(/^Posted to /);
  const blocked = app.page.getByText("the remaining tasks wait for others");
  await expect(resumeButton.or(done).or(blocked).first()).toBeVisible({ timeout: 30_000 });
  if (!(await resumeButton.isVisible())) return false;
  await resumeButton.click();
  const defaultToken = app.button("Use “changeme”, the local default");
  const posting = app.button("Pause posting");
  await expect(defaultToken.or(posting).or(done).or(resumeButton).first()).toBeVisible();
  if (await defaultToken.isVisible()) await defaultToken.click();
  return true;
}

const FAULTS: FaultPlan["faults"] = {
  drop_before: 0.03,
  drop_after: 0.05,
  truncate: 0.03,
  delay: 0.05,
  status_429: 0.02,
  status_503: 0.02,
  status_500_bare: 0.03,
  reset: 0.02,
};

// `interruptions` is how often the page is closed or reloaded before it may finish. Without keys, every
// interruption leaves the tasks in flight unconfirmed.
for (const { honoursKeys, seed, interruptions } of [
  { honoursKeys: true, seed: 1, interruptions: 10 },
  { honoursKeys: true, seed: 2, interruptions: 10 },
  { honoursKeys: false, seed: 3, interruptions: 5 },
]) {
  const what = honoursKeys
    ? "with keys, each task is stored exactly once"
    : "without keys, no task is stored twice, and the state of each is correct";
  test(`the page is closed at many points while posting: ${what} (seed ${seed})`, async ({
    world,
    app: first,
    complaints,
  }) => {
    test.setTimeout(300_000);
    complaints.allow(NO_RESPONSE, NOT_READABLE, ...[429, 500, 503].map(statusLine));
    const random = seededRandom(seed);
    // The server also serves the page; posts go through the proxy.
    const server = await world.taskServer({ config: () => ({}) });
    const proxy = await world.faultProxy(server.address, {
      seed,
      faults: FAULTS,
      delay_ms: 150,
      retry_after_s: 1,
    });
    await server.preset({
      connection: "Test bench",
      model: { base_url: world.testbed.model("plain", world.tag), model: "scripted" },
      task_server: { url: proxy.address, honours_idempotency_keys: honoursKeys },
    });
    const context = first.page.context();
    await importAndApprove(first, server.address);
    await first.postWithDefaultToken(COUNT, proxy.host);

    let app = first;
    let count = 0;
    let isResumed = true;
    while (isResumed && count < interruptions) {
      app = await interrupt(context, app, random);
      count += 1;
      isResumed = await resume(app);
    }
    expect(count, "interruptions while posting").toBeGreaterThan(2);
    // From here on the connection has no faults. Resume until posting ends.
    await proxy.plan({});
    const ended = app.heading(/^Posted to /);
    const paused = app.button("Resume posting");
    const blocked = app.page.getByText("the remaining tasks wait for others");
    for (let tries = 0; tries < 10; tries += 1) {
      await expect(ended.or(paused).or(blocked).first()).toBeVisible({ timeout: 60_000 });
      if (!(await paused.isVisible())) break;
      await resume(app);
    }

    const storedKeys = await stored(server);
    const keys = TASKS.map((task) => task.key).sort();
    expect(storedKeys, "no task is stored twice").toEqual([...new Set(storedKeys)]);
    if (honoursKeys) {
      await expect(ended).toHaveText(`Posted to ${proxy.host}: ${COUNT} delivered`);
      expect(storedKeys).toEqual(keys);
    } else {
      const states = new Map<string, string[]>();
      for (const key of keys) {
        const row = (await app.task(key).textContent()) ?? "";
        const state = /Delivered|Unconfirmed|Queued/.exec(row)?.[0] ?? `lost: ${row}`;
        states.set(state, [...(states.get(state) ?? []), key]);
      }
      const of = (state: string) => states.get(state) ?? [];
      expect([...states.keys()].filter((state) => state.startsWith("lost"))).toEqual([]);
      expect(of("Unconfirmed").length, "some responses were lost").toBeGreaterThan(0);
      expect(of("Delivered").length, "many were not lost").toBeGreaterThan(COUNT / 4);
      expect(of("Delivered").filter((key) => !storedKeys.includes(key))).toEqual([]);
      expect(of("Queued").filter((key) => storedKeys.includes(key))).toEqual([]);
    }
  });
}
