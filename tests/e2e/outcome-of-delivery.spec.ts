// How a delivery can end with the servers that exist: what counts is whether the task may have
// been taken. What may have arrived is never sent again by itself.
import type { Desk } from "./desk.ts";
import { expect, NO_ANSWER, NOT_READABLE, statusLine, test, type World } from "./world.ts";

const TASKS = ["keep-the-order", "keep-the-digits", "keep-the-space"] as const;

/** Three approved tasks on their way to a plain server with a habit. */
async function postTo(world: World, desk: Desk, variant: string): Promise<string> {
  const server = await world.liveServer({
    script: "exact-text",
    tasks: world.testbed.plain(variant, world.tag),
  });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  await desk.postWithDefaultToken(3, world.testbed.host);
  return world.testbed.host;
}

/** The bodies that a plain server received, and which of them it stored. */
async function received(world: World, variant: string) {
  return world.testbed.received(variant, world.tag);
}

test.describe("a 2xx is delivered, with the id wherever it stands", () => {
  for (const [variant, status, id] of [
    ["created201", 201, "1"],
    ["accepted202", 202, null],
    ["noid", 200, null],
    ["empty204", 204, null],
    ["text", 200, null],
  ] as const) {
    test(variant, async ({ world, desk }) => {
      const host = await postTo(world, desk, variant);
      await expect(desk.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
      await desk.openTask(TASKS[0]);
      const delivery = await desk.deliveryTab();
      await expect(delivery).toContainText(`Delivered: ${status}`);
      if (id) await expect(delivery).toContainText(`Server's id${id}`);
      expect((await received(world, variant)).map((post) => post.stored)).toEqual([true, true, true]);
      await expect(desk.editor).toBeHidden();
      await desk.page.getByRole("tab", { name: "JSON" }).click();
      await expect(desk.editor).not.toBeEditable();
    });
  }
});

test.describe("an answer that leaves it open is unknown", () => {
  for (const { variant, heading, said, console, stored } of [
    {
      variant: "error500_nocors",
      heading: "Unknown: no answer came back",
      said: "The server may have taken it.",
      console: [NO_ANSWER, NOT_READABLE],
      stored: true,
    },
    {
      variant: "error409",
      heading: "Unknown: 409",
      said: "The server may have taken it.",
      console: [statusLine(409)],
      stored: false,
    },
    {
      variant: "status_502",
      heading: "Unknown: 502",
      said: "The server may have taken it.",
      console: [statusLine(502)],
      stored: false,
    },
    {
      variant: "error503_hidden",
      heading: "Unknown: 503",
      said: "The server may have taken it.",
      console: [statusLine(503)],
      stored: false,
    },
    {
      variant: "html",
      heading: "Unknown: 200",
      said: "The answer is a web page",
      console: [],
      stored: false,
    },
    {
      variant: "drop",
      heading: "Unknown: no answer came back",
      said: "The server may have taken it.",
      console: [NO_ANSWER],
      stored: true,
    },
    {
      variant: "drop_unstored",
      heading: "Unknown: no answer came back",
      said: "The server may have taken it.",
      console: [NO_ANSWER],
      stored: false,
    },
  ]) {
    test(variant, async ({ world, desk, complaints }) => {
      complaints.allow(...console);
      await postTo(world, desk, variant);
      await expect(desk.task(TASKS[0])).toContainText("Unknown");
      await expect(desk.foot).toContainText("the server is in trouble");
      await expect(desk.task(TASKS[1])).toContainText("Queued");
      await expect(desk.task(TASKS[2])).toContainText("Queued");
      await desk.openTask(TASKS[0]);
      const delivery = desk.page.getByRole("tabpanel", { name: /^Delivery/ });
      await expect(delivery).toContainText(heading);
      await expect(delivery).toContainText(said);
      await expect(delivery.getByRole("group", { name: "Did it arrive?" })).toBeVisible();
      await expect(delivery.getByRole("button", { name: /again/ }), "never resent by key here").toHaveCount(0);
      const posts = await received(world, variant);
      expect(posts.map((post) => post.stored)).toEqual([stored]);
    });
  }
});

test("the operator says that an unknown task arrived, and it is delivered without another request", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(NO_ANSWER, NOT_READABLE);
  const host = await postTo(world, desk, "error500_nocors_first_1");
  await desk.openTask(TASKS[0]);
  await desk.press("It arrived");
  await expect(desk.page.getByText("You said that it arrived.")).toBeVisible();
  await expect(desk.task(TASKS[0])).toContainText("Delivered");
  await desk.press("Resume posting");
  await expect(desk.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
  const posts = await received(world, "error500_nocors_first_1");
  expect(posts).toHaveLength(3);
  expect(new Set(posts.map((post) => post.body)).size).toBe(3);
});

test("the operator says that an unknown task did not arrive, and may then send it again", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(NO_ANSWER);
  const variant = "drop_unstored_first_1";
  const host = await postTo(world, desk, variant);
  await desk.openTask(TASKS[0]);
  await desk.press("It did not arrive");
  await expect(desk.task(TASKS[0])).toContainText("Failed");
  await desk.press("Send it again");
  // Just this one: the others wait until the operator resumes.
  await expect(desk.task(TASKS[0])).toContainText("Delivered");
  await expect(desk.task(TASKS[1])).toContainText("Queued");
  await desk.press("Resume posting");
  await expect(desk.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
  const posts = await received(world, variant);
  expect(posts.map((post) => post.stored)).toEqual([false, true, true, true]);
  expect(posts[0]?.body).toBe(posts[1]?.body);
});

test.describe("an answer that says it was not taken is failed, and safe to send again", () => {
  for (const [variant, status] of [
    ["error503_retry_after", 503],
    ["rate429", 429],
    ["rate429_hidden", 429],
  ] as const) {
    test(variant, async ({ world, desk, complaints }) => {
      complaints.allow(statusLine(status));
      const once = `${variant}_first_1`;
      const host = await postTo(world, desk, once);
      await expect(desk.task(TASKS[0])).toContainText("Failed");
      await desk.openTask(TASKS[0]);
      const delivery = desk.page.getByRole("tabpanel", { name: /^Delivery/ });
      await expect(delivery).toContainText(`Not taken: ${status}`);
      await expect(delivery).toContainText("It is safe to send it again.");
      await desk.press("Send it again");
      await expect(desk.task(TASKS[0])).toContainText("Delivered");
      await expect(desk.task(TASKS[1])).toContainText("Queued");
      await desk.press("Resume posting");
      await expect(desk.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
      const posts = await received(world, once);
      expect(posts.map((post) => post.stored)).toEqual([false, true, true, true]);
      await expect(delivery.getByRole("list", { name: "Attempts" }).getByRole("listitem")).toHaveText([
        new RegExp(`Not taken: ${status}`),
        /Delivered: 200/,
      ]);
    });
  }
});

test("FastAPI's reasons stand beside the members they are about", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(statusLine(422));
  await postTo(world, desk, "requires_owner");
  await expect(desk.task(TASKS[0])).toContainText("Refused");
  await expect(desk.foot).toContainText("the first task was not taken");
  await desk.openTask(TASKS[0]);
  const reasons = desk.page.getByRole("list", { name: "The server's reasons" });
  await expect(reasons.getByRole("listitem")).toHaveText([/^\/owner Field required$/i]);
  expect(await received(world, "requires_owner"), "the others were spared").toHaveLength(1);
});

test("our own server's reasons stand beside the members they are about", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(statusLine(422));
  const strict = {
    type: "object",
    required: ["key"],
    properties: { title: { type: "string", maxLength: 5 } },
  };
  const server = await world.taskServer({
    schema: strict,
    config: (address) => ({
      connection: "Stricter than thought",
      model: { base_url: world.testbed.model("exact-text", world.tag), model: "scripted" },
      task_server: { url: address },
    }),
  });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  await desk.postWithDefaultToken(3, server.host);
  await expect(desk.task(TASKS[0])).toContainText("Refused");
  await desk.openTask(TASKS[0]);
  await expect(desk.page.getByText("Refused: 422 schema_violation")).toBeVisible();
  const reasons = desk.page.getByRole("list", { name: "The server's reasons" });
  await expect(reasons.getByRole("listitem")).toHaveText([/^\/title /]);
});

test.describe("an answer that says it will not be taken is refused", () => {
  for (const [variant, heading] of [
    ["status_400", "Refused: 400"],
    ["status_404", "Refused: 404"],
    ["status_405", "Refused: 405"],
    ["status_413", "Refused: 413"],
    ["status_415", "Refused: 415"],
  ] as const) {
    test(variant, async ({ world, desk, complaints }) => {
      complaints.allow(statusLine(Number(variant.slice(-3))));
      await postTo(world, desk, variant);
      await expect(desk.task(TASKS[0])).toContainText("Refused");
      await desk.openTask(TASKS[0]);
      await expect(desk.page.getByRole("tabpanel", { name: /^Delivery/ })).toContainText(heading);
      expect(await received(world, variant)).toHaveLength(1);
    });
  }
});

test("a 403 pauses everything and goes on at the same task with another token", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(statusLine(403));
  const host = await postTo(world, desk, "forbidden");
  const question = desk.dialog(`Token for ${host}`);
  await expect(question.getByRole("textbox", { name: "Agent token" })).toHaveAccessibleDescription(
    /does not accept the token/,
  );
  await desk.giveToken(host, "changeme-renewed");
  await expect(desk.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
  const posts = await received(world, "forbidden");
  expect(posts.map((post) => post.stored)).toEqual([false, true, true, true]);
  expect(posts[0]?.body).toBe(posts[1]?.body);
});

test("a server that honours keys gets an unknown task again with the same key, and has it once", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(NO_ANSWER);
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  // The answer to the first task is lost on its way back: the server has it, the page cannot know.
  let lost = 0;
  await desk.page.route(`${server.address}/tasks`, async (route) => {
    const answer = await route.fetch();
    if (lost++ === 0) return route.abort("connectionreset");
    return route.fulfill({ response: answer });
  });
  await desk.postWithDefaultToken(3, server.host);
  await expect(desk.task(TASKS[0])).toContainText("Unknown");
  await desk.openTask(TASKS[0]);
  await desk.press("Send it again with the same key");
  await expect(desk.task(TASKS[0])).toContainText("Delivered");
  await desk.press("Resume posting");
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const delivery = desk.page.getByRole("tabpanel", { name: /^Delivery/ });
  await expect(delivery).toContainText("The server had it already and gave its first answer again.");
  expect(await server.tasks()).toHaveLength(3);
});

test("a server that speaks JSON-RPC is named, and the task is not called delivered", async ({
  world,
  desk,
}) => {
  await postTo(world, desk, "jsonrpc");
  await desk.openTask(TASKS[0]);
  await desk.deliveryTab();
  await expect(desk.task(TASKS[0])).not.toContainText("Delivered");
  await expect(desk.page.getByText(/JSON-RPC/)).toBeVisible();
});
