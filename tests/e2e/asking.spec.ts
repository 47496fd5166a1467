// How the page asks a model: again where a call failed by chance, with less where an endpoint does
// not take it all, in several requests where there are many tasks, and within a budget.
import { everythingKept } from "./browser-storage.ts";
import type { Desk } from "./desk.ts";
import type { PageConfig, TaskServer } from "./servers.ts";
import { expect, statusLine, test, type World } from "./world.ts";

/** A server whose page asks a scripted model with more said about the endpoint. */
function serverWith(world: World, script: string, more: Record<string, unknown>): Promise<TaskServer> {
  const config = (address: string): PageConfig => ({
    connection: "Test bench",
    model: { base_url: world.testbed.model(script, world.tag), model: "scripted", ...more },
    task_server: { url: address },
  });
  return world.taskServer({ config });
}

async function ask(desk: Desk, count: number): Promise<void> {
  await desk.write({ goal: "Sort the letters", count: String(count) });
  await desk.generate();
}

/** What each request asked for: the form of its answer, and how many tasks. */
async function asked(world: World): Promise<{ form: string | undefined; count: number }[]> {
  const requests = await world.testbed.asked(world.tag);
  return requests.map(({ body }) => {
    const { messages, response_format } = JSON.parse(body);
    const line = /^Make exactly (\d+) tasks?\.$/m.exec(messages.at(-1).content);
    return { form: response_format?.type, count: Number(line?.[1]) };
  });
}

test("an endpoint that is overloaded is asked again by itself, and that is seen", async ({ world, desk, complaints }) => {
  complaints.allow(statusLine(503));
  const server = await world.liveServer({ script: "http-503" });
  await desk.open(server.address);
  await ask(desk, 4);
  await expect(desk.page.getByText(/^The model endpoint is in trouble: 503 .* Asking again in 1 s, try 1 of 2\.$/)).toBeVisible();
  await expect(desk.page.getByText(/ Asking again in 1 s, try 2 of 2\.$/)).toBeVisible();
  await expect(desk.heading(/^The model endpoint is in trouble: 503/)).toBeVisible();
  expect(await asked(world)).toHaveLength(3);
});

test("a call that was made again and answered is like any other", async ({ world, desk, complaints }) => {
  complaints.allow(statusLine(503));
  const server = await world.liveServer({ script: "http-503-twice" });
  await desk.open(server.address);
  await desk.makeTasks(4, "Sort the letters");
  const requests = desk.page.getByRole("group").filter({ hasText: /^1 request, / });
  await requests.locator("summary").first().click();
  await expect(requests).toContainText("4 of 4 tasks asked for. Complete, after 3 calls.");
});

test("Stop ends the wait for another call", async ({ world, desk, complaints }) => {
  complaints.allow(statusLine(429));
  const server = await world.liveServer({ script: "http-429" });
  await desk.open(server.address);
  await ask(desk, 4);
  await expect(desk.page.getByText(/Asking again in 1 s, try 1 of 2\.$/)).toBeVisible();
  await desk.press("Stop generating");
  await expect(desk.heading("You stopped it after 0 of 4 tasks")).toBeVisible();
  await desk.page.waitForTimeout(1500);
  expect(await asked(world)).toHaveLength(1);
});

test("a silence longer than the settings allow has stalled", async ({ world, desk }) => {
  const server = await serverWith(world, "stalled", { limits: { idle_timeout_seconds: 1 } });
  await desk.open(server.address);
  await ask(desk, 8);
  await expect(desk.heading(/^Nothing arrived any more after [1-7] of 8 tasks$/)).toBeVisible();
});

test("a call longer than the settings allow has taken too long", async ({ world, desk }) => {
  const server = await serverWith(world, "slow", { limits: { request_timeout_seconds: 1 } });
  await desk.open(server.address);
  await ask(desk, 8);
  await expect(desk.heading("The answer took too long")).toBeVisible();
});

test("many tasks are asked for in several requests, and what they used is counted", async ({ world, desk }) => {
  const server = await serverWith(world, "plain", {
    limits: { tasks_per_request: 10 },
    prices: { input: 1, output: 10 },
  });
  await desk.open(server.address);
  await desk.makeTasks(25, "Sort the letters");
  expect((await asked(world)).map(({ count }) => count)).toEqual([10, 10, 5]);
  const bodies = (await world.testbed.asked(world.tag)).map(({ body }) => JSON.parse(body).messages.at(-1).content);
  const first = JSON.parse((await desk.texts())[0] ?? "{}");
  expect(bodies[0]).not.toContain(first.key);
  expect(bodies[2]).toContain(JSON.stringify({ key: first.key, title: first.title }));
  const requests = desk.page.getByRole("group").filter({ hasText: /^3 requests, [\d,]+ tokens in.* out.*, cost \d/ });
  await requests.locator("summary").first().click();
  await expect(requests.getByRole("listitem")).toHaveCount(3);
  await expect(requests.getByRole("listitem").last()).toContainText("5 of 5 tasks asked for. Complete.");

  await desk.page.reload();
  await expect(requests).toBeVisible();
});

test("a budget stops a run before the request that might pass it", async ({ world, desk }) => {
  const server = await serverWith(world, "plain", {
    limits: { tasks_per_request: 10, token_limit: 9000 },
  });
  await desk.open(server.address);
  await ask(desk, 100);
  await expect(desk.heading("The budget of this run is reached")).toBeVisible();
  await expect(desk.page.getByText(/^The budget of this run is 9,000 tokens\. [\d,]+ are used/)).toBeVisible();
  const made = (await asked(world)).length;
  expect(made).toBeGreaterThan(0);
  expect(made).toBeLessThan(10);
  await expect(desk.tasks).toHaveCount(made * 10);
  await desk.press(/^Keep the \d+ whole tasks of a failed answer$/);
  await desk.approveAll(made * 10);
});

test("what is missing of an answer that broke off can be asked for", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "interrupted-once" });
  await desk.open(server.address);
  await ask(desk, 8);
  await expect(desk.heading(/^The answer broke off after [1-7] of 8 tasks$/)).toBeVisible();
  const here = await desk.tasks.count();
  await desk.press(new RegExp(`^Ask for the ${8 - here} missing tasks?$`));
  await expect(desk.heading("Complete: 8 tasks, all valid")).toBeVisible();
  expect((await asked(world)).map(({ count }) => count)).toEqual([8, 8 - here]);
  await desk.approveAll(8);
});

test("a key that two tasks have is one of the later one's faults", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "same-keys" });
  await desk.open(server.address);
  await ask(desk, 4);
  await expect(desk.heading("Complete: 4 tasks, 3 valid, 1 to mend")).toBeVisible();
  const [first] = await desk.texts();
  await desk.tasks.nth(1).getByRole("button").first().click();
  await expect(desk.page.getByText(`task 1 of this run has the key "${JSON.parse(first ?? "{}").key}" already`)).toBeVisible();
  await desk.closeTask();
  await desk.approveAll(3);
});

test("what an endpoint does not take is remembered, until its settings are saved", async ({ world, desk, complaints }) => {
  complaints.allow(statusLine(400));
  const server = await world.liveServer({ script: "no-json-schema" });
  await desk.open(server.address);
  await desk.makeTasks(2);
  // What has only just arrived is written down a moment later.
  await expect.poll(() => everythingKept(desk.page)).toMatch(/name\\":\\"complete/);
  await desk.page.reload();
  await expect(desk.heading(/^Complete: /)).toBeVisible();
  await desk.press("Put the run aside");
  await desk.makeTasks(2);
  const forms = async () => (await asked(world)).map(({ form }) => form);
  expect(await forms()).toEqual(["json_schema", "json_object", "json_object"]);

  await desk.settings();
  await desk.saveSettings();
  await desk.press("Put the run aside");
  await desk.makeTasks(2);
  expect(await forms()).toEqual(["json_schema", "json_object", "json_object", "json_schema", "json_object"]);
});

test("waiting, sizes, prices and a budget are set in the settings and survive a reload", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "plain" });
  await desk.open(server.address);
  const settings = await desk.settings();
  await settings.getByText("Waiting, several requests, prices and budget").click();
  const field = (label: string) => settings.getByLabel(label, { exact: true });
  await field("Tasks of a request").fill("3");
  await field("Longest silence, in seconds").fill("0");
  await field("Price of a million tokens out").fill("10");
  await desk.saveSettings();
  await expect(settings.getByText("Enter a whole number from 1 to 3600, or leave the field empty for 60.")).toBeVisible();
  await expect(settings.getByText("Enter this price too, or leave all prices empty.")).toBeVisible();
  await field("Longest silence, in seconds").fill("90");
  await field("Price of a million tokens in").fill("1.25");
  await field("Most that a run costs").fill("5");
  await desk.saveSettings();
  await desk.page.reload();
  const again = await desk.settings();
  await expect(again.getByLabel("Tasks of a request", { exact: true })).toHaveValue("3");
  await expect(again.getByLabel("Price of a million tokens in", { exact: true })).toHaveValue("1.25");
  await expect(again.getByLabel("Most that a run costs", { exact: true })).toHaveValue("5.00");
  await again.getByRole("button", { name: "Cancel" }).click();
  await desk.makeTasks(7);
  expect((await asked(world)).map(({ count }) => count)).toEqual([3, 3, 1]);
});

test("an invalid task is asked for again, and what comes waits beside it", async ({ world, desk }) => {
  const server = await serverWith(world, "same-keys", { prices: { input: 1, output: 10 } });
  await desk.open(server.address);
  await ask(desk, 4);
  await expect(desk.heading("Complete: 4 tasks, 3 valid, 1 to mend")).toBeVisible();
  const before = await desk.texts();
  await desk.press("Mend 1 invalid task…");
  const dialog = desk.dialog("Mend 1 invalid task?");
  await expect(dialog).toContainText(
    /One request for 1 task, expected to use about [\d,]+ tokens in and [\d,]+ out, about \d+\.\d+ at your prices\./,
  );
  expect(await asked(world)).toHaveLength(1);
  await dialog.getByRole("button", { name: "Ask the model" }).click();
  await expect(desk.heading("Asked again: 1 proposal")).toBeVisible();
  expect(await desk.texts()).toEqual(before);
  const [, again] = await world.testbed.asked(world.tag);
  const said = JSON.parse(again!.body).messages.at(-1).content;
  expect(said).toContain(`${before[1]}\n- /key: task 1 of this run has the key`);

  await desk.tasks.nth(1).getByRole("button").first().click();
  await desk.press("Accept the proposal");
  await expect(desk.heading("The model proposes")).toHaveCount(0);
  await desk.closeTask();
  await desk.approveAll(4);
});

test("an approved task keeps its approval until its revision is accepted", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "plain" });
  await desk.open(server.address);
  await desk.makeTasks(2);
  await desk.approveAll(2);
  await desk.tasks.first().getByRole("button").first().click();
  const before = await desk.editor.inputValue();
  await desk.press("Revise…");
  const dialog = desk.dialog("Revise the task?");
  await dialog.getByRole("button", { name: "Ask the model" }).click();
  await expect(dialog.getByText("Say what is to be changed.")).toBeVisible();
  await dialog.getByLabel("Instruction").fill("Say who does it");
  await dialog.getByRole("button", { name: "Ask the model" }).click();
  await expect(desk.heading("The model proposes")).toBeVisible();
  expect(await desk.editor.inputValue()).toBe(before);
  await expect(desk.tasks.first()).toContainText("Approved");
  const [, again] = await world.testbed.asked(world.tag);
  expect(JSON.parse(again!.body).messages.at(-1).content).toContain("Instruction: Say who does it");
  await desk.press("Accept the proposal");
  await expect(desk.tasks.first()).toContainText("Ready");
  expect(await desk.editor.inputValue()).not.toBe(before);
});

test("a task is split into tasks of their own", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "plain" });
  await desk.open(server.address);
  await desk.makeTasks(2);
  await desk.tasks.last().getByRole("button").first().click();
  await desk.press("Split…");
  const dialog = desk.dialog("Split the task?");
  await dialog.getByLabel("Into how many tasks").fill("3");
  await dialog.getByRole("button", { name: "Ask the model" }).click();
  await expect(desk.heading("The model proposes 3 tasks in its place")).toBeVisible();
  await expect(desk.tasks).toHaveCount(2);
  await desk.press("Accept the split");
  await expect(desk.tasks).toHaveCount(5);
  await expect(desk.tasks.nth(1)).toContainText("Rejected");
  await desk.closeTask();
  await desk.approveAll(4);
});
