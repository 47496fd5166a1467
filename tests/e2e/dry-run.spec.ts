// A dry run takes every step without a network request.
import type { AppPage } from "./app-page.ts";
import { tasks } from "./app-page.ts";
import { Recorder } from "./recorder.ts";
import { DEFAULT_TOKEN } from "./servers.ts";
import { expect, test } from "./world.ts";

const DRY = "Dry run — nothing leaves this page";

async function writeReceipts(app: AppPage, count: number): Promise<void> {
  const receipts = tasks(count, "dry receipt");
  await app.approveAll(count);
  await app.foot.getByRole("button", { name: `Write ${receipts}` }).click();
  const confirmation = app.dialog(`Write ${receipts}?`);
  await expect(confirmation).toContainText("Nothing is sent. Receipts are written in this page.");
  await confirmation.getByRole("button", { name: `Write ${receipts}` }).click();
  await expect(app.heading(`Dry run done: ${receipts}, 0 requests`)).toBeVisible();
}

test("a dry run makes 0 requests from Generate to the last receipt", async ({ world, app }) => {
  const server = await world.taskServer();
  await app.open(server.address, DRY);
  await app.fillBrief({ goal: "Move the archive", context: "Two racks", count: "5" });
  const recorder = await Recorder.start(app.page, { gate: "shut" });
  await app.generate();
  await expect(app.heading("Complete: 5 tasks, all valid")).toBeVisible();
  await writeReceipts(app, 5);
  await expect(app.tasks).toHaveCount(5);
  for (const task of await app.tasks.all()) await expect(task).toContainText("Dry receipt");

  expect(await recorder.requests()).toEqual([]);
  expect(await server.tasks()).toEqual([]);
});

test("the page of a server with its own schema makes tasks that this server accepts", async ({
  world,
  app,
}) => {
  const server = await world.taskServer({
    schema: {
      type: "object",
      properties: { key: { type: "string" }, title: { type: "string" }, amount: { type: "integer" } },
      required: ["key", "title", "amount"],
      additionalProperties: false,
    },
  });
  await app.open(server.address, DRY);
  await app.generateTasks(2, "Pay the invoices");
  for (const text of await app.texts()) {
    expect(JSON.parse(text)).toHaveProperty("amount");
    const response = await fetch(`${server.address}/tasks`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-agent-token": DEFAULT_TOKEN },
      body: text,
    });
    expect(response.status).toBe(201);
  }
});

test("the recorder that counts 0 requests in a dry run sees every request of a live run", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const recorder = await Recorder.start(app.page, { gate: "open" });
  await app.generateTasks(2);
  await app.approveAll(2);
  await app.postWithDefaultToken(2, server.host);
  await expect(app.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  const seen = await recorder.requests();
  const asked = `${world.testbed.model("plain", world.tag)}/chat/completions`;
  expect(seen).toContain(`POST: ${asked}`);
  expect(seen).toContain(`browser: ${asked}`);
  expect(seen.filter((line) => line === `POST: ${server.address}/tasks`)).toHaveLength(2);
});

test("the flags of the original script start a dry run with that number of tasks and 0 requests", async ({
  world,
  app,
}) => {
  const server = await world.taskServer({ config: () => ({ notice: "No task server is preset." }) });
  await app.open(`${server.address}/?dry-run&count=2&host=http://localhost&port=8080`, DRY);
  await expect(app.field("Number of tasks")).toHaveValue("2");
  // Without a preset this is the built-in task server, which needs no confirmation.
  await expect(app.button("Connection: Local")).toBeVisible();
  await app.fillBrief({ goal: "Greet the visitors" });
  const recorder = await Recorder.start(app.page, { gate: "shut" });
  await app.generate();
  await writeReceipts(app, 2);
  expect(await recorder.requests()).toEqual([]);
});

test("a link with dry-run makes a dry run even if a model is configured", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(`${server.address}/?dry-run`, DRY);
  await app.generateTasks(3);
  await writeReceipts(app, 3);
  expect(await world.testbed.asked(world.tag)).toEqual([]);
  expect(await server.tasks()).toEqual([]);
});

test("without a model the page selects a dry run, says what live needs, and opens the settings for it", async ({
  world,
  app,
}) => {
  const server = await world.taskServer();
  await app.open(server.address, DRY);
  await expect(app.page.getByRole("radio", { name: "Dry run" })).toBeChecked();
  await expect(app.page.getByText("No model endpoint is configured, so this is a dry run.")).toBeVisible();
  const live = app.page.getByRole("radio", { name: "Live" });
  await expect(live).toHaveAccessibleDescription(/^Live needs a model endpoint/);
  await app.page.getByText("Live", { exact: true }).click();
  await expect(app.dialog(/^Settings: /)).toBeVisible();
  await app.dialog(/^Settings: /).getByRole("button", { name: "Cancel" }).click();
  // What was chosen stays chosen, and Generate makes no dry tasks instead.
  await expect(live).toBeChecked();
  await app.fillBrief({ goal: "Greet the visitors" });
  await app.generate();
  await expect(app.dialog(/^Settings: /)).toBeVisible();
  await app.dialog(/^Settings: /).getByRole("button", { name: "Cancel" }).click();
  await expect(app.tasks).toHaveCount(0);
});

test("the same brief yields the same dry tasks, and another brief yields others", async ({ world, app }) => {
  const server = await world.taskServer();
  await app.open(server.address, DRY);
  await app.generateTasks(3, "Paint the fence");
  const first = await app.texts();
  await app.generateTasks(3, "Paint the boat");
  const other = await app.texts();
  await app.generateTasks(3, "Paint the fence");
  expect(await app.texts()).toEqual(first);
  expect(other).not.toEqual(first);
});

test("going live calls the model and takes over no dry task, approval or receipt", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(`${server.address}/?dry-run`, DRY);
  await app.generateTasks(3);
  await writeReceipts(app, 3);
  expect(await world.testbed.asked(world.tag)).toEqual([]);

  await app.press("Go live");
  await expect(app.modeBand).toHaveText("Live → Test bench");
  await expect(app.heading("Complete: 3 tasks, all valid")).toBeVisible();
  await expect(app.heading(/^Dry run done/)).toHaveCount(0);
  await expect(app.tasks).toContainText(["keep-the-order", "keep-the-digits", "keep-the-space"]);
  for (const task of await app.tasks.all()) await expect(task).toContainText("Ready");
  await expect(app.foot).toBeHidden();
  expect(await world.testbed.asked(world.tag)).toHaveLength(1);

  await app.approveAll(3);
  await app.postWithDefaultToken(3, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("going live takes over imported tasks without their approvals", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(`${server.address}/?dry-run`, DRY);
  const text = '{"key":"mine","title":"My own task","instructions":"Do it.","priority":"low"}';
  await app.press("Import tasks…");
  await app.field("Tasks as JSON").fill(text);
  await app.press("Import 1 task");
  await writeReceipts(app, 1);
  await expect(app.task("mine")).toContainText("Dry receipt");

  await app.press("Go live");
  await expect(app.modeBand).toHaveText("Live → Test bench");
  await expect(app.task("mine")).toContainText("Ready");
  await expect(app.foot).toBeHidden();
  await app.approveAll(1);
  await app.postWithDefaultToken(1, server.host);
  await expect(app.heading(`Posted to ${server.host}: 1 delivered`)).toBeVisible();
  expect((await server.tasks()).map((task) => task.text)).toEqual([text]);
  expect(await world.testbed.asked(world.tag)).toEqual([]);
});
