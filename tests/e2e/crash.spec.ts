// The page goes away at many points of a batch while the way to the server breaks again and again:
// what the server has in the end is compared with what was approved.
import type { BrowserContext, Page } from "@playwright/test";

import { Desk } from "./desk.ts";
import type { FaultPlan, TaskServer } from "./servers.ts";
import { expect, NO_ANSWER, NOT_READABLE, statusLine, test } from "./world.ts";

const COUNT = 50;

/** Numbers from 0 to below 1, the same for the same seed (a linear congruential generator). */
function numbers(seed: number): () => number {
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
  // Some wait for others, so that an order has to be kept through every crash.
  ...(at % 7 === 3 ? { depends_on: [`task-${at - 2}`] } : {}),
}));

async function begin(desk: Desk, address: string): Promise<void> {
  await desk.open(address);
  await desk.press("Paste tasks as JSON");
  const dialog = desk.dialog("Paste tasks");
  await dialog.getByRole("textbox").fill(JSON.stringify(TASKS));
  await dialog.getByRole("button", { name: `Add ${COUNT} tasks` }).click();
  await desk.approveAll(COUNT);
}

/** The keys of what the server has, one for each task that it stored. */
async function stored(server: TaskServer): Promise<string[]> {
  const tasks = await server.tasks();
  return tasks.map((task) => (JSON.parse(task.text) as { key: string }).key).sort();
}

/** Lets the page go away after some posts, and comes back to it. */
async function die(context: BrowserContext, desk: Desk, random: () => number): Promise<Desk> {
  const address = desk.page.url();
  const after = 1 + Math.floor(random() * 6);
  const later = random() * 15;
  let seen = 0;
  await new Promise<void>((resolve) => {
    // Where fewer are left, or the server asks for patience, the page dies all the same.
    const patience = setTimeout(resolve, 4_000);
    desk.page.on("request", (request) => {
      if (request.method() !== "POST") return;
      seen += 1;
      if (seen === after) {
        clearTimeout(patience);
        setTimeout(resolve, later);
      }
    });
  });
  let page: Page = desk.page;
  if (random() < 0.5) {
    await page.close();
    page = await context.newPage();
    await page.goto(address);
  } else {
    await page.reload();
  }
  return new Desk(page);
}

/**
 * Goes on with a batch that waits, with the token that a new page does not have. False where nothing
 * is left that could go on by itself.
 */
async function goOn(desk: Desk): Promise<boolean> {
  const resume = desk.button("Resume posting");
  const done = desk.heading(/^Posted to /);
  const blocked = desk.page.getByText("the tasks that are left wait for others");
  await expect(resume.or(done).or(blocked).first()).toBeVisible({ timeout: 30_000 });
  if (!(await resume.isVisible())) return false;
  await resume.click();
  const offered = desk.button("Use “changeme”, the local default");
  const posting = desk.button("Pause posting");
  await expect(offered.or(posting).or(done).or(resume).first()).toBeVisible();
  if (await offered.isVisible()) await offered.click();
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

// So often the page goes away before it is left to finish. Without keys each time costs what was on
// its way.
for (const { honoursKeys, seed, deaths } of [
  { honoursKeys: true, seed: 1, deaths: 10 },
  { honoursKeys: true, seed: 2, deaths: 10 },
  { honoursKeys: false, seed: 3, deaths: 5 },
]) {
  const what = honoursKeys
    ? "with keys each task is there exactly once"
    : "without keys no task is there twice, and each is accounted for";
  test(`closed at many points of a batch: ${what} (seed ${seed})`, async ({
    world,
    desk: first,
    complaints,
  }) => {
    test.setTimeout(300_000);
    complaints.allow(NO_ANSWER, NOT_READABLE, ...[429, 500, 503].map(statusLine));
    const random = numbers(seed);
    // The page comes from the server itself, and posts to it by way of the proxy.
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
    await begin(first, server.address);
    await first.postWithDefaultToken(COUNT, proxy.host);

    let desk = first;
    let died = 0;
    let goesOn = true;
    while (goesOn && died < deaths) {
      desk = await die(context, desk, random);
      died += 1;
      goesOn = await goOn(desk);
    }
    expect(died, "so often it went away in the middle").toBeGreaterThan(2);
    // From here on the way is whole; what waits is resumed until nothing is left to wait.
    await proxy.plan({});
    const ended = desk.heading(/^Posted to /);
    const waits = desk.button("Resume posting");
    const blocked = desk.page.getByText("the tasks that are left wait for others");
    for (let tries = 0; tries < 10; tries += 1) {
      await expect(ended.or(waits).or(blocked).first()).toBeVisible({ timeout: 60_000 });
      if (!(await waits.isVisible())) break;
      await goOn(desk);
    }

    const there = await stored(server);
    const keys = TASKS.map((task) => task.key).sort();
    expect(there, "no task is there twice").toEqual([...new Set(there)]);
    if (honoursKeys) {
      await expect(ended).toHaveText(`Posted to ${proxy.host}: ${COUNT} delivered`);
      expect(there).toEqual(keys);
    } else {
      const states = new Map<string, string[]>();
      for (const key of keys) {
        const row = (await desk.task(key).textContent()) ?? "";
        const state = /Delivered|Unknown|Queued/.exec(row)?.[0] ?? `lost: ${row}`;
        states.set(state, [...(states.get(state) ?? []), key]);
      }
      const of = (state: string) => states.get(state) ?? [];
      expect([...states.keys()].filter((state) => state.startsWith("lost"))).toEqual([]);
      expect(of("Unknown").length, "some were lost on the way").toBeGreaterThan(0);
      expect(of("Delivered").length, "many were not").toBeGreaterThan(COUNT / 4);
      expect(of("Delivered").filter((key) => !there.includes(key))).toEqual([]);
      expect(of("Queued").filter((key) => there.includes(key))).toEqual([]);
    }
  });
}
