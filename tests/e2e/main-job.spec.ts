// The main job: a brief becomes tasks in a task server, byte for byte as they were reviewed.
import type { Desk } from "./desk.ts";
import { header } from "./servers.ts";
import { expect, test } from "./world.ts";

/** A task with an amount that no machine number holds. */
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

/** What the script `exact-number` makes the model say, task by task. */
const PROPOSED = [
  '{"title":"Pay","amount":12345678901234567890,"key":"pay"}',
  '{"key":"pay-more","amount":99999999999999999999,"title":"Pay more"}',
  '{"amount":1.50,"title":"Pay less","key":"pay-less"}',
];

async function reviewed(desk: Desk): Promise<string[]> {
  await desk.makeTasks(3, "Pay the invoices");
  await expect(desk.tasks).toContainText(["Pay", "Pay more", "Pay less"]);
  const texts = await desk.texts();
  await desk.approveAll(3);
  return texts;
}

test("three tasks of a brief reach the task server byte for byte as reviewed", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-number", schema: PAYMENT });
  await desk.open(server.address, "Live → Test bench");
  const texts = await reviewed(desk);
  expect(texts).toEqual(PROPOSED);

  await desk.postWithDefaultToken(3, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();

  const stored = await server.tasks();
  // Behind the first they go side by side, so their order may differ.
  expect(stored[0]?.text).toBe(texts[0]);
  expect(stored.map((task) => task.text).sort()).toEqual([...texts].sort());
  for (const [index, key] of ["pay", "pay-more", "pay-less"].entries()) {
    const id = stored.find((task) => task.text === texts[index])?.id ?? "none";
    await expect(desk.task(key)).toContainText("Delivered");
    await expect(desk.task(key)).toContainText(id);
    await desk.openTask(key);
    const delivery = await desk.deliveryTab();
    await expect(delivery).toContainText("Delivered: 201");
    await expect(delivery).toContainText(id);
    await expect(delivery).toContainText("The server has it.");
  }
});

test("the same tasks reach a plain task server, which is told nothing but the token", async ({
  world,
  desk,
}) => {
  const tasks = world.testbed.plain("ok200", world.tag);
  const server = await world.liveServer({ script: "exact-number", schema: PAYMENT, tasks });
  await desk.open(server.address);
  const texts = await reviewed(desk);
  await desk.postWithDefaultToken(3, world.testbed.host);
  await expect(desk.heading(`Posted to ${world.testbed.host}: 3 delivered`)).toBeVisible();

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
  // Each shows the number under which it arrived.
  const place = received.findIndex((post) => post.body === texts[1]) + 1;
  await expect(desk.task("pay-more")).toContainText(String(place));
});

test("white space, escapes and the order of members leave as the model wrote them", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  await desk.open(server.address);
  await desk.makeTasks(3);
  const texts = await desk.texts();
  expect(texts[1]).toContain(String.raw`\u20ac 12345678901234567890 \/ keep the escapes: \ud83e\udd80 and 🦀`);
  expect(texts[2]).toMatch(/^\{"key":"keep-the-space","title":"Keep the space" ,"priority" : "low"/);
  await desk.approveAll(3);
  await desk.postWithDefaultToken(3, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();

  const stored = await server.tasks();
  expect(stored.map((task) => task.text).sort()).toEqual([...texts].sort());
  const keys = stored.map((task) => task.idempotencyKey);
  expect(new Set(keys).size).toBe(3);
  expect(keys).not.toContain(null);
});

test("an edited task leaves as it was edited, a rejected one stays", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  await desk.openTask("keep-the-order");
  const edited = (await desk.editor.inputValue()).replace("Keep the order", "Keep  the öther order");
  await desk.editor.fill(edited);
  await expect(desk.task("keep-the-order"), "an edit takes the approval back").toContainText("Ready");
  await desk.press("Approve");
  await desk.press("Reject keep-the-space");
  await desk.postWithDefaultToken(2, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  const texts = (await server.tasks()).map((task) => task.text);
  expect(texts).toHaveLength(2);
  expect(texts).toContain(edited);
  await expect(desk.task("keep-the-space")).toContainText("Rejected");
});

test("the confirmation names host, count, mode and fingerprint, and cancelling sends nothing", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  await desk.foot.getByRole("button", { name: `Post 3 tasks to ${server.host}` }).click();
  const confirmation = desk.dialog("Post 3 tasks?");
  await expect(confirmation).toContainText(`${server.address}/tasks`);
  await expect(confirmation).toContainText("Test bench");
  await expect(confirmation).toContainText("Live");
  await expect(confirmation).toContainText(/sha256 ([0-9a-f]{4} ){3}[0-9a-f]{4}/);
  await confirmation.getByRole("button", { name: "Cancel" }).click();
  await expect(confirmation).toBeHidden();
  await expect(desk.task("keep-the-order")).toContainText("Approved");
  expect(await server.tasks()).toEqual([]);
});

test("a text that is pasted stays there when its dialog is closed by a slip", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-number" });
  await desk.open(server.address);
  const field = desk.page.getByRole("textbox", { name: "Tasks as JSON" });
  await desk.press("Paste tasks as JSON");
  await field.fill('{"key": "half');
  await desk.page.keyboard.press("Escape");
  await expect(field).toBeHidden();
  await desk.press("Paste tasks as JSON");
  await expect(field).toHaveValue('{"key": "half');
});

test("tasks that exist already are pasted, checked like any other, and posted without a model", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await desk.open(server.address);
  await desk.press("Paste tasks as JSON");
  const one = '{"key":"first","title":"The first","instructions":"Do it.","priority":"low"}';
  const two = '{ "priority" : "high", "key":"second","title":"The second","instructions":"12345678901234567890" }';
  await desk.field("Tasks as JSON").fill(`${one}\n${two}\n`);
  await desk.press("Add 2 tasks");
  await desk.approveAll(2);
  await desk.postWithDefaultToken(2, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  expect((await server.tasks()).map((task) => task.text)).toEqual([one, two]);
  expect(await world.testbed.asked(world.tag)).toEqual([]);
});
