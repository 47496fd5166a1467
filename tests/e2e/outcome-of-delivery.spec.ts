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

test.describe("an answer that says it was not taken is waited out, and the task goes again by itself", () => {
  for (const [variant, status, asked] of [
    ["error503_retry_after", 503, true],
    ["rate429", 429, true],
    ["rate429_hidden", 429, false],
  ] as const) {
    test(variant, async ({ world, desk, complaints }) => {
      complaints.allow(statusLine(status));
      const once = `${variant}_first_1`;
      const host = await postTo(world, desk, once);
      await expect(desk.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
      const posts = await received(world, once);
      expect(posts.map((post) => post.stored)).toEqual([false, true, true, true]);
      expect(posts[0]?.body).toBe(posts[1]?.body);
      await desk.openTask(TASKS[0]);
      const delivery = await desk.deliveryTab();
      await expect(delivery.getByText("It asked to wait 1 second.")).toHaveCount(asked ? 1 : 0);
      await expect(delivery.getByRole("list", { name: "Attempts" }).getByRole("listitem")).toHaveText([
        new RegExp(`Not taken: ${status}.*It is safe to send it again`),
        /Delivered: 200/,
      ]);
    });
  }
});

test("a server that wants half a minute's rest gets it, counted down, and can be stopped waiting for", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(statusLine(429));
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  let asked = 0;
  await desk.page.route(`${server.address}/tasks`, (route) => {
    asked += 1;
    const headers = {
      "retry-after": "30",
      "access-control-expose-headers": "retry-after",
    };
    return route.fulfill({ status: 429, headers, body: '{"detail":"Slow down"}' });
  });
  await desk.postWithDefaultToken(3, server.host);
  await expect(desk.foot).toContainText(/The first one goes alone.*next try in (3\d|2\d) s/);
  await expect(desk.task(TASKS[0])).toContainText(/Queued.*next try \d\d:\d\d:\d\d/);
  const seconds = async () =>
    Number(/next try in (\d+) s/.exec((await desk.foot.textContent()) ?? "")?.[1]);
  const first = await seconds();
  await expect.poll(seconds).toBeLessThan(first);
  expect(asked, "nothing is asked before its time").toBe(1);
  await desk.press("Stop posting");
  for (const key of TASKS) await expect(desk.task(key)).toContainText("Approved");
  await desk.page.unroute(`${server.address}/tasks`);
  await desk.post(3, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
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
    /did not accept the agent token/,
  );
  await desk.giveToken(host, "changeme-renewed");
  await expect(desk.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
  const posts = await received(world, "forbidden");
  expect(posts.map((post) => post.stored)).toEqual([false, true, true, true]);
  expect(posts[0]?.body).toBe(posts[1]?.body);
});

test("a server that honours keys gets a task whose answer was lost again by itself, and has it once", async ({
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
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  await desk.openTask(TASKS[0]);
  const delivery = await desk.deliveryTab();
  await expect(delivery.getByRole("list", { name: "Attempts" }).getByRole("listitem")).toHaveText([
    /Unknown: no answer came back.*It was told the task's key/,
    /Delivered: 200.*The server had it already/,
  ]);
  expect(await server.tasks()).toHaveLength(3);
});

test("an unknown task is looked up: what the server has is delivered, what it has not proves nothing", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(NO_ANSWER);
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  // The server takes every task, and no answer comes back until the page has given up.
  let isLost = true;
  await desk.page.route(`${server.address}/tasks`, async (route) => {
    if (!isLost) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await desk.postWithDefaultToken(3, server.host);
  await expect.poll(async () => (await server.tasks()).length).toBe(1);
  await desk.press("Stop posting");
  await expect(desk.task(TASKS[0])).toContainText("Unknown");
  isLost = false;
  await desk.openTask(TASKS[0]);
  await expect(desk.button("Send it again with the same key"), "its key was told").toBeVisible();
  await desk.press("Look it up on the server");
  await expect(desk.task(TASKS[0])).toContainText("Delivered");
  const delivery = desk.page.getByRole("tabpanel", { name: /^Delivery/ });
  await expect(delivery).toContainText(/Looked up at .*: the server has a task with this key/);
  const stored = await server.tasks();
  await expect(delivery).toContainText(`Server's id${stored[0]?.id}`);
  await desk.post(2, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("a look-up at a server that cannot answer it leaves the task unknown, and says so", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(NO_ANSWER, NOT_READABLE, statusLine(405), statusLine(404));
  await postTo(world, desk, "drop");
  await expect(desk.task(TASKS[0])).toContainText("Unknown");
  await desk.openTask(TASKS[0]);
  await desk.press("Look it up on the server");
  await expect(desk.page.getByText(/the answer tells nothing\./)).toBeVisible();
  await expect(desk.task(TASKS[0])).toContainText("Unknown");
  await expect(desk.page.getByText(/it left without its key/)).toBeVisible();
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
