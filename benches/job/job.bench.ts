// From a brief to thirty delivered tasks: through the page, by a person whose hands take no time, against
// a script in the same browser that calls the same model and posts to the same server.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Page, test } from "@playwright/test";

import { AppPage } from "../../tests/e2e/app-page.ts";
import { required } from "../../tests/e2e/program.ts";
import { TaskServer, Testbed } from "../../tests/e2e/servers.ts";

interface Options {
  rounds: number;
  count: number;
  out: string;
}

const GOAL = "Sort the letters of the last year by sender";
const KEY = "sk-of-this-bench";
const TOKEN = "changeme";
/** The script of the testbed's model: it responds at once. */
const SCRIPT = "plain";
/** The default of a connection. */
const CONCURRENCY = 4;

const options = JSON.parse(required("TASKWRIGHT_BENCH")) as Options;

test("measure", async ({ browser }) => {
  const folder = await mkdtemp(join(tmpdir(), "taskwright-bench-"));
  const testbed = await Testbed.start();
  /** `tag` names the requests to the model. */
  const config = (address: string, tag: string) => ({
    connection: "Bench",
    model: { base_url: testbed.model(SCRIPT, tag), model: "scripted", needs_key: true },
    task_server: { url: address, concurrency: CONCURRENCY },
  });
  const server = await TaskServer.start(folder, {
    tokens: TOKEN,
    config: (address) => config(address, "bench"),
  });
  const host = new URL(server.address).host;
  const withPage = async (use: (app: AppPage) => Promise<number>): Promise<number> => {
    const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC" });
    const app = new AppPage(await context.newPage());
    try {
      await app.open(server.address, /^Dry run/);
      return await use(app);
    } finally {
      await context.close();
    }
  };
  /** The milliseconds of a run, in which the secrets are entered. */
  const throughPage = (app: AppPage, tag: string) =>
    timed(async () => {
      await app.fillBrief({ goal: GOAL, count: String(options.count) });
      await app.page.locator(".choices").getByText("Live", { exact: true }).click();
      await app.generate();
      const prompt = app.dialog(`API key for ${new URL(testbed.model(SCRIPT, tag)).host}`);
      await prompt.getByRole("textbox", { name: "API key" }).fill(KEY);
      await prompt.getByRole("button", { name: "Use API key", exact: true }).click();
      await app.approveAll(options.count);
      await app.foot.getByRole("button", { name: /^Post/ }).click();
      await app.enterToken(host, TOKEN);
      await app.heading(`Posted to ${host}: ${options.count} delivered`).waitFor();
    });

  const figures = { page: [] as number[], script: [] as number[] };
  // One round more than requested: the first one warms up and does not count.
  for (let round = 0; round <= options.rounds; round += 1) {
    const tag = `bench-${round}`;
    await server.preset(config(server.address, tag));
    const page = await withPage((app) => throughPage(app, tag));
    const bodies = (await testbed.asked(tag)).map((request) => request.body);
    const model = testbed.model(SCRIPT, tag);
    const script = await withPage((app) => timed(() => withoutPage(app.page, model, bodies, server.address)));
    if (round > 0) {
      figures.page.push(page);
      figures.script.push(script);
    }
  }
  await server.stop();
  await testbed.stop();
  await rm(folder, { recursive: true, force: true });
  await writeFile(options.out, JSON.stringify(figures));
});

/** How long `act` takes, in milliseconds. */
async function timed(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await act();
  return performance.now() - begun;
}

/** Sends the requests of the page to the model and posts the tasks, without a check and without a record. */
async function withoutPage(page: Page, model: string, requests: string[], server: string): Promise<void> {
  const delivered = await page.evaluate(
    async ({ model, server, requests, key, token, concurrency }) => {
      const json = { "content-type": "application/json" };
      const tasks: unknown[] = [];
      for (const body of requests) {
        const response = await fetch(`${model}/chat/completions`, {
          method: "POST",
          headers: { ...json, authorization: `Bearer ${key}` },
          body,
        });
        const events = (await response.text()).split("\n\n").filter((event) => event.startsWith("data: {"));
        const deltas = events.map((event) => JSON.parse(event.slice("data: ".length)).choices?.[0]?.delta?.content ?? "");
        tasks.push(...(JSON.parse(deltas.join("")) as { tasks: unknown[] }).tasks);
      }
      let next = 0;
      const worker = async () => {
        for (let index = next++; index < tasks.length; index = next++) {
          const posted = await fetch(`${server}/tasks`, {
            method: "POST",
            headers: { ...json, "x-agent-token": token },
            body: JSON.stringify(tasks[index]),
          });
          if (!posted.ok) throw new Error(`status ${posted.status}`);
          await posted.text();
        }
      };
      await Promise.all(Array.from({ length: concurrency }, worker));
      return tasks.length;
    },
    { model, server, requests, key: KEY, token: TOKEN, concurrency: CONCURRENCY },
  );
  if (delivered !== options.count) throw new Error(`the script delivered ${delivered} tasks`);
}
