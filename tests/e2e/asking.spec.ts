// Requests to the model: retries, fallbacks to another response format, batches, limits, and follow-up
// requests.
import { everythingKept } from "./browser-storage.ts";
import type { AppPage } from "./app-page.ts";
import type { PageConfig, TaskServer } from "./servers.ts";
import { expect, statusLine, test, type World } from "./world.ts";

/** A server whose page calls a scripted model, with further settings of the model endpoint. */
function serverWith(world: World, script: string, settings: Record<string, unknown>): Promise<TaskServer> {
  const config = (address: string): PageConfig => ({
    connection: "Test bench",
    model: { base_url: world.testbed.model(script, world.tag), model: "scripted", ...settings },
    task_server: { url: address },
  });
  return world.taskServer({ config });
}

async function generate(app: AppPage, count: number): Promise<void> {
  await app.fillBrief({ goal: "Sort the letters", count: String(count) });
  await app.generate();
}

/** The response format and the number of tasks that each request asked for. */
async function asked(world: World): Promise<{ format: string | undefined; count: number }[]> {
  const requests = await world.testbed.asked(world.tag);
  return requests.map(({ body }) => {
    const { messages, response_format } = JSON.parse(body);
    const line = /^Make exactly (\d+) tasks?\.$/m.exec(messages.at(-1).content);
    return { format: response_format?.type, count: Number(line?.[1]) };
  });
}

test("a request to an overloaded endpoint is retried automatically, and the page shows it", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(503));
  const server = await world.liveServer({ script: "http-503" });
  await app.open(server.address);
  await generate(app, 4);
  await expect(app.page.getByText(/^Server error at the model endpoint: 503 .* Retrying in 1 s \(retry 1 of 2\)\.$/)).toBeVisible();
  await expect(app.page.getByText(/ Retrying in 1 s \(retry 2 of 2\)\.$/)).toBeVisible();
  await expect(app.heading(/^Server error at the model endpoint: 503/)).toBeVisible();
  expect(await asked(world)).toHaveLength(3);
});

test("a retried call that succeeds counts like any other", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(503));
  const server = await world.liveServer({ script: "http-503-twice" });
  await app.open(server.address);
  await app.generateTasks(4, "Sort the letters");
  const requests = app.page.getByRole("group").filter({ hasText: /^3 requests, / });
  await requests.locator("summary").first().click();
  await expect(requests).toContainText("4 of 4 requested tasks. Complete, after 2 retries.");
});

test("Stop ends the wait for a retry", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(429));
  const server = await world.liveServer({ script: "http-429" });
  await app.open(server.address);
  await generate(app, 4);
  await expect(app.page.getByText(/Retrying in 1 s \(retry 1 of 2\)\.$/)).toBeVisible();
  await app.press("Stop generating");
  await expect(app.heading("Cancelled after 0 of 4 tasks")).toBeVisible();
  await app.page.waitForTimeout(1500);
  expect(await asked(world)).toHaveLength(1);
});

test("a pause longer than the idle timeout stalls the stream", async ({ world, app }) => {
  const server = await serverWith(world, "stalled", { limits: { idle_timeout_seconds: 1 } });
  await app.open(server.address);
  await generate(app, 8);
  await expect(app.heading(/^The stream stalled after [1-7] of 8 tasks$/)).toBeVisible();
});

test("a call longer than the request timeout is ended", async ({ world, app }) => {
  const server = await serverWith(world, "slow", { limits: { request_timeout_seconds: 1 } });
  await app.open(server.address);
  await generate(app, 8);
  await expect(app.heading("The request timeout was reached")).toBeVisible();
});

test("many tasks are generated in several requests, and their token usage is added up", async ({ world, app }) => {
  const server = await serverWith(world, "plain", {
    limits: { tasks_per_request: 10 },
    prices: { input: 1, output: 10 },
  });
  await app.open(server.address);
  await app.generateTasks(25, "Sort the letters");
  expect((await asked(world)).map(({ count }) => count)).toEqual([10, 10, 5]);
  const bodies = (await world.testbed.asked(world.tag)).map(({ body }) => JSON.parse(body).messages.at(-1).content);
  const first = JSON.parse((await app.texts())[0] ?? "{}");
  expect(bodies[0]).not.toContain(first.key);
  expect(bodies[2]).toContain(JSON.stringify({ key: first.key, title: first.title }));
  const requests = app.page.getByRole("group").filter({ hasText: /^3 requests, [\d,]+ input tokens.*, [\d,]+ output tokens.*, cost \d/ });
  await requests.locator("summary").first().click();
  await expect(requests.getByRole("listitem")).toHaveCount(3);
  await expect(requests.getByRole("listitem").last()).toContainText("5 of 5 requested tasks. Complete.");

  await app.page.reload();
  await expect(requests).toBeVisible();
});

test("a token limit stops a run before the request that could exceed it", async ({ world, app }) => {
  const server = await serverWith(world, "plain", {
    limits: { tasks_per_request: 10, token_limit: 9000 },
  });
  await app.open(server.address);
  await generate(app, 100);
  await expect(app.heading("The cost or token limit of this run is reached")).toBeVisible();
  await expect(app.page.getByText(/^The token limit of this run is 9,000\. It has used [\d,]+, /)).toBeVisible();
  const made = (await asked(world)).length;
  expect(made).toBeGreaterThan(0);
  expect(made).toBeLessThan(10);
  await expect(app.tasks).toHaveCount(made * 10);
  await app.press(/^Accept partial response \(\d+ tasks\)$/);
  await app.approveAll(made * 10);
});

test("the tasks missing from an interrupted response can be generated", async ({ world, app }) => {
  const server = await world.liveServer({ script: "interrupted-once" });
  await app.open(server.address);
  await generate(app, 8);
  await expect(app.heading(/^The response was interrupted after [1-7] of 8 tasks$/)).toBeVisible();
  const here = await app.tasks.count();
  await app.press(new RegExp(`^Generate ${8 - here} missing tasks?$`));
  await expect(app.heading("Complete: 8 tasks, all valid")).toBeVisible();
  expect((await asked(world)).map(({ count }) => count)).toEqual([8, 8 - here]);
  await app.approveAll(8);
});

test("a duplicate task key is a violation of the later task", async ({ world, app }) => {
  const server = await world.liveServer({ script: "same-keys" });
  await app.open(server.address);
  await generate(app, 4);
  await expect(app.heading("Complete: 4 tasks, 3 valid, 1 invalid")).toBeVisible();
  const [first] = await app.texts();
  await app.tasks.nth(1).getByRole("button").first().click();
  await expect(app.sheet).toContainText(`Key “${JSON.parse(first ?? "{}").key}” is already used by task 1 of this run`);
  await app.closeTask();
  await app.approveAll(3);
});

test("what an endpoint rejects is remembered, and the settings show and clear it", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(400));
  const server = await world.liveServer({ script: "no-json-schema" });
  await app.open(server.address);
  await app.generateTasks(2);
  // The outcome is stored shortly after it is known.
  await expect.poll(() => everythingKept(app.page)).toMatch(/name\\":\\"complete/);
  await app.page.reload();
  await expect(app.heading(/^Complete: /)).toBeVisible();
  await app.press("Archive this run");
  await app.generateTasks(2);
  const formats = async () => (await asked(world)).map(({ format }) => format);
  expect(await formats()).toEqual(["json_schema", "json_object", "json_object"]);

  const settings = await app.settings();
  const adaptations = settings.getByRole("group", { name: "Adaptations to this endpoint and model" });
  await expect(adaptations).toContainText("The endpoint is asked for a JSON object, with the schema in the prompt.");
  await adaptations.getByRole("button", { name: "Clear adaptations" }).click();
  await expect(adaptations).toHaveCount(0);
  await app.saveSettings();
  await app.press("Archive this run");
  await app.generateTasks(2);
  expect(await formats()).toEqual(["json_schema", "json_object", "json_object", "json_schema", "json_object"]);
});

for (const { script, heading, notice, calls } of [
  {
    script: "no-streaming",
    heading: /^Complete: 4 tasks/,
    notice: "The endpoint rejected streaming. The request was repeated without it.",
    calls: 2,
  },
  {
    script: "no-system-role",
    heading: /^Complete: 4 tasks/,
    notice: "The endpoint rejected the system message.",
    calls: 2,
  },
  {
    script: "refuses-pattern",
    heading: /^Complete: 4 tasks/,
    notice: "The endpoint rejected pattern in the schema.",
    calls: 2,
  },
]) {
  test(`${script}: the request is adapted once, and the page says so`, async ({ world, app, complaints }) => {
    complaints.allow(statusLine(400));
    const server = await world.liveServer({ script });
    await app.open(server.address);
    await generate(app, 4);
    await expect(app.heading(heading)).toBeVisible();
    await expect(app.page.getByText(notice, { exact: false })).toBeVisible();
    expect(await world.testbed.asked(world.tag)).toHaveLength(calls);
  });
}

test("a response without the end of its last event, on a connection that stays open, is complete", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "open-after-done" });
  await app.open(server.address);
  const begin = Date.now();
  await generate(app, 4);
  await expect(app.heading(/^Complete: 4 tasks/)).toBeVisible();
  expect(Date.now() - begin).toBeLessThan(8000);
});

test("reasoning without a response is named, and its text can be read", async ({ world, app }) => {
  const server = await world.liveServer({ script: "reasoning-only" });
  await app.open(server.address);
  await generate(app, 4);
  await expect(app.heading("The model wrote only reasoning")).toBeVisible();
  await expect(app.tasks).toHaveCount(0);
  const requests = app.page.getByRole("group").filter({ hasText: /^1 request/ });
  await requests.locator("summary").first().click();
  await requests.getByText("Reasoning, 56 characters").click();
  await expect(requests).toContainText("Each task needs a title");
});

test("timeouts, batch size, prices and limits are set in the settings and survive a reload", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const settings = await app.settings();
  await settings.getByText("Limits, timeouts and prices").click();
  const field = (label: string) => settings.getByLabel(label, { exact: true });
  await field("Tasks per request").fill("3");
  await field("Idle timeout (seconds)").fill("0");
  await field("Output price per 1M tokens").fill("10");
  await app.saveSettings();
  await expect(settings.getByText("Enter a whole number from 1 to 3600, or leave the field empty for 60.")).toBeVisible();
  await expect(settings.getByText("Enter this price too, or leave all prices empty.")).toBeVisible();
  await field("Idle timeout (seconds)").fill("90");
  await field("Input price per 1M tokens").fill("1.25");
  await field("Cost limit per run").fill("5");
  await app.saveSettings();
  await app.page.reload();
  const reopened = await app.settings();
  await expect(reopened.getByLabel("Tasks per request", { exact: true })).toHaveValue("3");
  await expect(reopened.getByLabel("Input price per 1M tokens", { exact: true })).toHaveValue("1.25");
  await expect(reopened.getByLabel("Cost limit per run", { exact: true })).toHaveValue("5.00");
  await reopened.getByRole("button", { name: "Cancel" }).click();
  await app.generateTasks(7);
  expect((await asked(world)).map(({ count }) => count)).toEqual([3, 3, 1]);
});

test("repairing an invalid task yields a suggested edit and changes nothing by itself", async ({ world, app }) => {
  const server = await serverWith(world, "same-keys", { prices: { input: 1, output: 10 } });
  await app.open(server.address);
  await generate(app, 4);
  await expect(app.heading("Complete: 4 tasks, 3 valid, 1 invalid")).toBeVisible();
  const before = await app.texts();
  await app.press("Repair 1 invalid task…");
  const dialog = app.dialog("Repair 1 invalid task?");
  await expect(dialog).toContainText(
    /Estimate: 1 request for 1 task, [\d,]+ input tokens, [\d,]+ output tokens, cost \d+\.\d+\./,
  );
  expect(await asked(world)).toHaveLength(1);
  await dialog.getByRole("button", { name: "Repair 1 invalid task" }).click();
  await expect(app.heading("Follow-up request: 1 suggested edit")).toBeVisible();
  expect(await app.texts()).toEqual(before);
  const [, followUp] = await world.testbed.asked(world.tag);
  const prompt = JSON.parse(followUp!.body).messages.at(-1).content;
  expect(prompt).toContain(`${before[1]}\n- /key: key “`);
  expect(prompt).toContain("is already used by task 1 of this run");

  await app.tasks.nth(1).getByRole("button").first().click();
  await app.press("Accept suggested edit");
  await expect(app.heading(/^Suggested edit$/)).toHaveCount(0);
  await app.closeTask();
  await app.approveAll(4);
});

test("an approved task keeps its approval until its revision is accepted", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.generateTasks(2);
  await app.approveAll(2);
  await app.tasks.first().getByRole("button").first().click();
  await app.openJson();
  const before = await app.editor.inputValue();
  await app.press("Revise…");
  const dialog = app.dialog("Revise task?");
  await dialog.getByRole("button", { name: "Revise task" }).click();
  await expect(dialog.getByText("Describe what to change.")).toBeVisible();
  await dialog.getByLabel("Instruction").fill("Say who does it");
  await dialog.getByRole("button", { name: "Revise task" }).click();
  await expect(app.heading(/^Suggested edit$/)).toBeVisible();
  expect(await app.editor.inputValue()).toBe(before);
  await expect(app.tasks.first()).toContainText("Approved");
  const [, followUp] = await world.testbed.asked(world.tag);
  expect(JSON.parse(followUp!.body).messages.at(-1).content).toContain("Instruction: Say who does it");
  await app.press("Accept suggested edit");
  await expect(app.tasks.first()).toContainText("Ready");
  expect(await app.editor.inputValue()).not.toBe(before);
});

test("a task is split into several tasks", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.generateTasks(2);
  await app.tasks.last().getByRole("button").first().click();
  await app.press("Split…");
  const dialog = app.dialog("Split task?");
  await dialog.getByLabel("Number of parts").fill("3");
  await dialog.getByRole("button", { name: "Split task" }).click();
  await expect(app.heading("Suggested split into 3 tasks")).toBeVisible();
  await expect(app.tasks).toHaveCount(2);
  await app.press("Accept split");
  await expect(app.tasks).toHaveCount(5);
  await expect(app.tasks.nth(1)).toContainText("Rejected");
  await app.closeTask();
  await app.approveAll(4);
});
