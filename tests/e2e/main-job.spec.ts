// The main job: a brief becomes tasks on a task server, byte for byte as they were reviewed.
import type { AppPage } from "./app-page.ts";
import { header } from "./servers.ts";
import { expect, test } from "./world.ts";

/** A schema for tasks with an amount that no double holds exactly. */
const PAYMENT = {
  title: "payment",
  type: "object",
  properties: {
    key: { type: "string" },
    title: { type: "string" },
    amount: { type: "number" },
  },
  required: ["key", "title", "amount"],
  additionalProperties: false,
};

/** The tasks that the script `exact-number` returns. */
const PROPOSED = [
  '{"title":"Pay","amount":12345678901234567890,"key":"pay"}',
  '{"key":"pay-more","amount":99999999999999999999,"title":"Pay more"}',
  '{"amount":1.50,"title":"Pay less","key":"pay-less"}',
];

async function generateAndApprove(app: AppPage): Promise<string[]> {
  await app.generateTasks(3, "Pay the invoices");
  await expect(app.tasks).toContainText(["Pay", "Pay more", "Pay less"]);
  const texts = await app.texts();
  await app.approveAll(3);
  return texts;
}

test("the tasks of a brief reach the task server byte for byte as reviewed", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-number", schema: PAYMENT });
  await app.open(server.address, "Live → Test bench");
  const texts = await generateAndApprove(app);
  expect(texts).toEqual(PROPOSED);

  await app.postWithDefaultToken(3, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();

  const stored = await server.tasks();
  // After the first task, several are in flight at a time, so their order may differ.
  expect(stored[0]?.text).toBe(texts[0]);
  expect(stored.map((task) => task.text).sort()).toEqual([...texts].sort());
  for (const [index, key] of ["pay", "pay-more", "pay-less"].entries()) {
    const id = stored.find((task) => task.text === texts[index])?.id ?? "none";
    await expect(app.task(key)).toContainText("Delivered");
    await expect(app.task(key)).toContainText(id);
    await app.openTask(key);
    const delivery = await app.deliveryTab();
    await expect(delivery).toContainText("Delivered: 201");
    await expect(delivery).toContainText(id);
    await expect(delivery).toContainText("The server has the task.");
  }
});

test("a plain task server receives the same tasks, with the token and no further headers", async ({
  world,
  app,
}) => {
  const tasks = world.testbed.plain("ok200", world.tag);
  const server = await world.liveServer({ script: "exact-number", schema: PAYMENT, tasks });
  await app.open(server.address);
  const texts = await generateAndApprove(app);
  await app.postWithDefaultToken(3, world.testbed.host);
  await expect(app.heading(`Posted to ${world.testbed.host}: 3 delivered`)).toBeVisible();

  const received = await world.testbed.received("ok200", world.tag);
  expect(received.map((post) => post.body).sort()).toEqual([...texts].sort());
  expect(texts).toEqual(PROPOSED);
  for (const post of received) {
    expect(header(post.headers, "content-type")).toBe("application/json");
    expect(header(post.headers, "x-agent-token")).toBe("changeme");
    expect(header(post.headers, "idempotency-key")).toBeUndefined();
    expect(header(post.headers, "cookie")).toBeUndefined();
    expect(header(post.headers, "referer")).toBeUndefined();
  }
  expect(await server.tasks()).toEqual([]);
  // Each task shows its position on the server.
  const place = received.findIndex((post) => post.body === texts[1]) + 1;
  await expect(app.task("pay-more")).toContainText(String(place));
});

test("whitespace, escapes and member order are posted as the model wrote them", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  await app.open(server.address);
  await app.generateTasks(3);
  const texts = await app.texts();
  expect(texts[1]).toContain(String.raw`\u20ac 12345678901234567890 \/ keep the escapes: \ud83e\udd80 and 🦀`);
  expect(texts[2]).toMatch(/^\{"key":"keep-the-space","title":"Keep the space" ,"priority" : "low"/);
  await app.approveAll(3);
  await app.postWithDefaultToken(3, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();

  const stored = await server.tasks();
  expect(stored.map((task) => task.text).sort()).toEqual([...texts].sort());
  const keys = stored.map((task) => task.idempotencyKey);
  expect(new Set(keys).size).toBe(3);
  expect(keys).not.toContain(null);
});

test("an edited task is posted as edited, and a rejected one is not posted", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.openTaskAsJson("keep-the-order");
  const edited = (await app.editor.inputValue()).replace("Keep the order", "Keep  the öther order");
  await app.editor.fill(edited);
  await expect(app.task("keep-the-order"), "an edit withdraws the approval").toContainText("Ready");
  await app.approveButton.click();
  await app.press("Reject keep-the-space");
  await app.postWithDefaultToken(2, server.host);
  await expect(app.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  const texts = (await server.tasks()).map((task) => task.text);
  expect(texts).toHaveLength(2);
  expect(texts).toContain(edited);
  await expect(app.task("keep-the-space")).toContainText("Rejected");
});

test("the confirmation shows host, count, mode and digest, and cancelling sends nothing", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.foot.getByRole("button", { name: `Post 3 tasks to ${server.host}` }).click();
  const confirmation = app.dialog("Post 3 tasks?");
  await expect(confirmation).toContainText(`${server.address}/tasks`);
  await expect(confirmation).toContainText("Test bench");
  await expect(confirmation).toContainText("Live");
  await expect(confirmation).toContainText(/SHA-256 ([0-9a-f]{4} ){3}[0-9a-f]{4}/);
  await confirmation.getByRole("button", { name: "Cancel" }).click();
  await expect(confirmation).toBeHidden();
  await expect(app.task("keep-the-order")).toContainText("Approved");
  expect(await server.tasks()).toEqual([]);
});

test("pasted text survives closing its dialog by mistake", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-number" });
  await app.open(server.address);
  const field = app.page.getByRole("textbox", { name: "Tasks as JSON" });
  await app.press("Import tasks…");
  await field.fill('{"key": "half');
  await app.page.keyboard.press("Escape");
  await expect(field).toBeHidden();
  await app.press("Import tasks…");
  await expect(field).toHaveValue('{"key": "half');
});

test("imported tasks are checked like any other and posted without calling a model", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.press("Import tasks…");
  const one = '{"key":"first","title":"The first","instructions":"Do it.","priority":"low"}';
  const two = '{ "priority" : "high", "key":"second","title":"The second","instructions":"12345678901234567890" }';
  await app.field("Tasks as JSON").fill(`${one}\n${two}\n`);
  await app.press("Import 2 tasks");
  await app.approveAll(2);
  await app.postWithDefaultToken(2, server.host);
  await expect(app.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  expect((await server.tasks()).map((task) => task.text)).toEqual([one, two]);
  expect(await world.testbed.asked(world.tag)).toEqual([]);
});

interface Counter {
  readonly count: number;
  step: (act: () => Promise<void>) => Promise<void>;
}

/** Takes steps, each of which is one action of the operator, and counts them. */
function counter(): Counter {
  let count = 0;
  return {
    get count() {
      return count;
    },
    step: async (act) => {
      await act();
      count += 1;
    },
  };
}

test("thirty tasks go from a pasted brief to posted in nine actions in a new tab, and in six once secrets are held", async ({
  world,
  app,
}) => {
  const server = await world.taskServer({
    config: (address) => ({
      connection: "Test bench",
      model: { base_url: world.testbed.model("plain", world.tag), model: "scripted", needs_key: true },
      task_server: { url: address },
    }),
  });
  const post = `Post 30 tasks to ${server.host}`;
  /** Begins the run, with `choose` before *Generate*. */
  const generate = async (tab: AppPage, goal: string, actions: Counter, choose?: () => Promise<void>) => {
    await actions.step(() => tab.fillBrief({ goal }));
    await actions.step(() => tab.fillBrief({ count: "30" }));
    if (choose) await actions.step(choose);
    await actions.step(() => tab.generate());
  };
  const enterKey = async (tab: AppPage, actions: Counter) => {
    const prompt = tab.dialog(`API key for ${world.testbed.host}`);
    await actions.step(() => prompt.getByRole("textbox", { name: "API key" }).fill("sk-of-this-test"));
    await actions.step(() => prompt.getByRole("button", { name: "Use API key", exact: true }).click());
  };
  /** Approves and posts, and enters the agent token if it is not held. */
  const deliver = async (tab: AppPage, actions: Counter, isTokenHeld = false) => {
    const confirmation = tab.dialog("Post 30 tasks?");
    await expect(tab.heading("Complete: 30 tasks, all valid")).toBeVisible();
    await actions.step(() => tab.approveAll(30));
    await actions.step(() => tab.foot.getByRole("button", { name: post }).click());
    if (!isTokenHeld) {
      await actions.step(() => confirmation.getByRole("textbox", { name: "Agent token" }).fill("changeme"));
    }
    await actions.step(() => confirmation.getByRole("button", { name: post }).click());
    await expect(tab.heading(`Posted to ${server.host}: 30 delivered`)).toBeVisible();
  };

  // Without a key, the first tab begins with a dry run.
  await app.open(server.address, /^Dry run/);
  const first = counter();
  const live = app.page.locator(".choices").getByText("Live", { exact: true });
  await generate(app, "Sort the letters of the last year by sender", first, () => live.click());
  await enterKey(app, first);
  await deliver(app, first);
  expect(first.count).toBe(10);

  const again = counter();
  await generate(app, "Sort the letters of this year by sender", again);
  await deliver(app, again, true);
  expect(again.count).toBe(6);

  // The connection was used live, so that a tab opened later begins live.
  const tab = await app.anotherTab(server.address);
  const later = counter();
  await generate(tab, "Sort the letters of next year by sender", later);
  await enterKey(tab, later);
  await deliver(tab, later);
  expect(later.count).toBe(9);
  await expect.poll(async () => (await server.tasks()).length).toBe(90);
});

test("thirty tasks are all opened and approved by 31 keys", async ({ world, app, page }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.generateTasks(30);
  const actions = counter();
  await actions.step(() => app.tasks.first().getByRole("button").first().click());
  for (let task = 1; task <= 30; task += 1) {
    await expect(page.getByText(`${task} of 30 read`)).toBeVisible();
    await actions.step(() => page.keyboard.press("a"));
  }
  await expect(app.foot.getByRole("button", { name: /^Post 30 tasks/ })).toBeVisible();
  expect(actions.count).toBeLessThanOrEqual(35);
});
