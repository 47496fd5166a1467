// A dry run goes the whole way and reaches nothing.
import type { Desk } from "./desk.ts";
import { tasks } from "./desk.ts";
import { Recorder } from "./recorder.ts";
import { expect, test } from "./world.ts";

const DRY = "Dry run — nothing leaves this page";

async function writeReceipts(desk: Desk, count: number): Promise<void> {
  const receipts = tasks(count, "dry receipt");
  await desk.approveAll(count);
  await desk.foot.getByRole("button", { name: `Write ${receipts}` }).click();
  const confirmation = desk.dialog(`Write ${receipts}?`);
  await expect(confirmation).toContainText("Nothing is sent. Receipts are written in this page.");
  await confirmation.getByRole("button", { name: `Write ${receipts}` }).click();
  await expect(desk.heading(`Dry run done: ${receipts}, 0 requests`)).toBeVisible();
}

test("from Generate to the last receipt a dry run makes 0 requests", async ({ world, desk }) => {
  const server = await world.taskServer();
  await desk.open(server.address, DRY);
  await desk.write({ goal: "Move the archive", context: "Two racks", count: "5" });
  const recorder = await Recorder.start(desk.page, { gate: "shut" });
  await desk.generate();
  await expect(desk.heading("Complete: 5 tasks, all valid")).toBeVisible();
  await writeReceipts(desk, 5);
  await expect(desk.tasks).toHaveCount(5);
  for (const task of await desk.tasks.all()) await expect(task).toContainText("Dry receipt");

  expect(await recorder.requests()).toEqual([]);
  expect(await server.tasks()).toEqual([]);
});

test("the recorder that counts 0 for a dry run sees every request of a live one", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await desk.open(server.address);
  const recorder = await Recorder.start(desk.page, { gate: "open" });
  await desk.makeTasks(2);
  await desk.approveAll(2);
  await desk.postWithDefaultToken(2, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  const seen = await recorder.requests();
  const asked = `${world.testbed.model("plain", world.tag)}/chat/completions`;
  expect(seen).toContain(`POST: ${asked}`);
  expect(seen).toContain(`browser: ${asked}`);
  expect(seen.filter((line) => line === `POST: ${server.address}/tasks`)).toHaveLength(2);
});

test("the flags of the original script give a dry run of so many tasks, with 0 requests", async ({
  world,
  desk,
}) => {
  const server = await world.taskServer({ config: () => ({ notice: "No task server is preset." }) });
  await desk.open(`${server.address}/?dry-run&count=2&host=http://localhost&port=8080`, DRY);
  await expect(desk.field("How many tasks")).toHaveValue("2");
  // Where nothing is preset this is the built-in task server, so nobody has to be asked about it.
  await expect(desk.button("Connection: Local")).toBeVisible();
  await desk.write({ goal: "Greet the visitors" });
  const recorder = await Recorder.start(desk.page, { gate: "shut" });
  await desk.generate();
  await writeReceipts(desk, 2);
  expect(await recorder.requests()).toEqual([]);
});

test("a link that says dry-run stays dry where a model is configured", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "plain" });
  await desk.open(`${server.address}/?dry-run`, DRY);
  await desk.makeTasks(3);
  await writeReceipts(desk, 3);
  expect(await world.testbed.asked(world.tag)).toEqual([]);
  expect(await server.tasks()).toEqual([]);
});

test("without a model the page proposes a dry run, says what live needs, and leads there", async ({
  world,
  desk,
}) => {
  const server = await world.taskServer();
  await desk.open(server.address, DRY);
  await expect(desk.page.getByRole("radio", { name: "Dry run" })).toBeChecked();
  await expect(desk.page.getByText("No model endpoint is set up, so this is a dry run.")).toBeVisible();
  const live = desk.page.getByRole("radio", { name: "Live" });
  await expect(live).toHaveAccessibleDescription(/^Live needs a model endpoint/);
  await desk.page.getByText("Live", { exact: true }).click();
  await expect(desk.dialog(/^Settings of /)).toBeVisible();
  await desk.dialog(/^Settings of /).getByRole("button", { name: "Cancel" }).click();
  await expect(desk.page.getByRole("radio", { name: "Dry run" })).toBeChecked();
});

test("the same brief gives the same dry tasks, another one gives others", async ({ world, desk }) => {
  const server = await world.taskServer();
  await desk.open(server.address, DRY);
  await desk.makeTasks(3, "Paint the fence");
  const first = await desk.texts();
  await desk.makeTasks(3, "Paint the boat");
  const other = await desk.texts();
  await desk.makeTasks(3, "Paint the fence");
  expect(await desk.texts()).toEqual(first);
  expect(other).not.toEqual(first);
});

test("going live asks the model anew: no dry task, no approval and no receipt comes along", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(`${server.address}/?dry-run`, DRY);
  await desk.makeTasks(3);
  await writeReceipts(desk, 3);
  expect(await world.testbed.asked(world.tag)).toEqual([]);

  await desk.press("Go live with this brief…");
  await expect(desk.modeBand).toHaveText("Live → Test bench");
  await expect(desk.heading("Complete: 3 tasks, all valid")).toBeVisible();
  await expect(desk.heading(/^Dry run done/)).toHaveCount(0);
  await expect(desk.tasks).toContainText(["keep-the-order", "keep-the-digits", "keep-the-space"]);
  for (const task of await desk.tasks.all()) await expect(task).toContainText("Ready");
  await expect(desk.foot).toBeHidden();
  expect(await world.testbed.asked(world.tag)).toHaveLength(1);

  await desk.approveAll(3);
  await desk.postWithDefaultToken(3, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("pasted tasks come along when a dry run goes live, without their approvals", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await desk.open(`${server.address}/?dry-run`, DRY);
  const text = '{"key":"mine","title":"My own task","instructions":"Do it.","priority":"low"}';
  await desk.press("Paste tasks as JSON");
  await desk.field("Tasks as JSON").fill(text);
  await desk.press("Add 1 task");
  await writeReceipts(desk, 1);
  await expect(desk.task("mine")).toContainText("Dry receipt");

  await desk.press("Go live with this brief…");
  await expect(desk.modeBand).toHaveText("Live → Test bench");
  await expect(desk.task("mine")).toContainText("Ready");
  await expect(desk.foot).toBeHidden();
  await desk.approveAll(1);
  await desk.postWithDefaultToken(1, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 1 delivered`)).toBeVisible();
  expect((await server.tasks()).map((task) => task.text)).toEqual([text]);
  expect(await world.testbed.asked(world.tag)).toEqual([]);
});
