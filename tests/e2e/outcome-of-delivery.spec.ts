// Delivery outcomes with various servers. What matters is whether the server may have stored the task:
// such a task is never resent automatically unless the server honours keys.
import type { AppPage } from "./app-page.ts";
import { expect, NO_RESPONSE, NOT_READABLE, statusLine, test, type World } from "./world.ts";

const TASKS = ["keep-the-order", "keep-the-digits", "keep-the-space"] as const;

/** Posts three approved tasks to a plain server of this variant. Returns its host. */
async function postTo(world: World, app: AppPage, variant: string): Promise<string> {
  const server = await world.liveServer({
    script: "exact-text",
    tasks: world.testbed.plain(variant, world.tag),
  });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.postWithDefaultToken(3, world.testbed.host);
  return world.testbed.host;
}

/** The posts that a plain server received. */
async function received(world: World, variant: string) {
  return world.testbed.received(variant, world.tag);
}

test.describe("a 2xx is delivered, with the server ID from any of its places", () => {
  for (const [variant, status, id] of [
    ["created201", 201, "1"],
    ["accepted202", 202, null],
    ["noid", 200, null],
    ["empty204", 204, null],
    ["text", 200, null],
  ] as const) {
    test(variant, async ({ world, app }) => {
      const host = await postTo(world, app, variant);
      await expect(app.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
      await app.openTask(TASKS[0]);
      const delivery = await app.deliveryTab();
      await expect(delivery).toContainText(`Delivered: ${status}`);
      if (id) await expect(delivery).toContainText(`Server ID${id}`);
      expect((await received(world, variant)).map((post) => post.stored)).toEqual([true, true, true]);
      await expect(app.editor).toBeHidden();
      await app.openJson();
      await expect(app.editor).not.toBeEditable();
    });
  }
});

test.describe("a response that does not settle the outcome leaves the task unconfirmed", () => {
  for (const { variant, heading, text, foot, console, stored } of [
    {
      variant: "error500_nocors",
      heading: "Unconfirmed: no readable response",
      text: "The server may have the task.",
      foot: "this page sees no response to the first task",
      console: [NO_RESPONSE, NOT_READABLE],
      stored: true,
    },
    {
      variant: "error409",
      heading: "Unconfirmed: 409",
      text: "The server may have the task.",
      foot: "the first task is unconfirmed",
      console: [statusLine(409)],
      stored: false,
    },
    {
      variant: "status_502",
      heading: "Unconfirmed: 502",
      text: "The server may have the task.",
      foot: "the first task is unconfirmed",
      console: [statusLine(502)],
      stored: false,
    },
    {
      variant: "error503_hidden",
      heading: "Unconfirmed: 503",
      text: "The server may have the task.",
      foot: "the first task is unconfirmed",
      console: [statusLine(503)],
      stored: false,
    },
    {
      variant: "html",
      heading: "Unconfirmed: 200",
      text: "The response is a web page",
      foot: "the response to the first task does not confirm it",
      console: [],
      stored: false,
    },
    {
      variant: "html_hidden",
      heading: "Unconfirmed: 200, no receipt",
      text: "The response is a web page",
      foot: "the response to the first task does not confirm it",
      console: [],
      stored: false,
    },
    {
      variant: "success_false",
      heading: "Unconfirmed: 200, no receipt",
      text: 'the response says "success": false. The queue is full',
      foot: "the response to the first task does not confirm it",
      console: [],
      stored: false,
    },
    {
      variant: "contradiction_nested",
      heading: "Unconfirmed: 200, no receipt",
      text: "The queue is full",
      foot: "the response to the first task does not confirm it",
      console: [],
      stored: false,
    },
    {
      variant: "contradiction_text",
      heading: "Unconfirmed: 200, no receipt",
      text: "“ERROR: The queue is full”",
      foot: "the response to the first task does not confirm it",
      console: [],
      stored: false,
    },
    {
      variant: "in_progress409",
      heading: "Unconfirmed: 409",
      text: "This request is being processed",
      foot: "the first task is unconfirmed",
      console: [statusLine(409)],
      stored: false,
    },
    {
      variant: "303_after_store",
      heading: "Unconfirmed: redirected",
      text: "Some servers do so once they have stored a task.",
      foot: "the server redirected the first task",
      // The page asked by GET whether the redirect is about a trailing slash only.
      console: [statusLine(405)],
      stored: true,
    },
    {
      variant: "503_after_store",
      heading: "Unconfirmed: 503",
      text: "The server may have the task.",
      foot: "the first task is unconfirmed",
      console: [statusLine(503)],
      stored: true,
    },
    {
      variant: "drop",
      heading: "Unconfirmed: no readable response",
      text: "The server may have the task.",
      foot: "this page sees no response to the first task",
      console: [NO_RESPONSE],
      stored: true,
    },
    {
      variant: "drop_unstored",
      heading: "Unconfirmed: no readable response",
      text: "The server may have the task.",
      foot: "this page sees no response to the first task",
      console: [NO_RESPONSE],
      stored: false,
    },
  ]) {
    test(variant, async ({ world, app, complaints }) => {
      complaints.allow(...console);
      await postTo(world, app, variant);
      await expect(app.task(TASKS[0])).toContainText("Unconfirmed");
      await expect(app.foot).toContainText(foot);
      await expect(app.task(TASKS[1])).toContainText("Queued");
      await expect(app.task(TASKS[2])).toContainText("Queued");
      await app.openTask(TASKS[0]);
      const delivery = app.page.getByRole("tabpanel", { name: /^Delivery/ });
      await expect(delivery).toContainText(heading);
      await expect(delivery).toContainText(text);
      await expect(delivery.getByRole("group", { name: "Was the task delivered?" })).toBeVisible();
      await expect(delivery.getByRole("button", { name: /^Resend/ }), "not resent by key at this server").toHaveCount(0);
      const posts = await received(world, variant);
      expect(posts.map((post) => post.stored)).toEqual([stored]);
    });
  }
});

test("an unconfirmed task that the operator marks as delivered is not sent again", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE, NOT_READABLE);
  const host = await postTo(world, app, "error500_nocors_first_1");
  await app.openTask(TASKS[0]);
  await app.press("Mark as delivered");
  await expect(app.page.getByText("You marked the task as delivered.")).toBeVisible();
  await expect(app.task(TASKS[0])).toContainText("Delivered");
  await app.press("Resume posting");
  await expect(app.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
  const posts = await received(world, "error500_nocors_first_1");
  expect(posts).toHaveLength(3);
  expect(new Set(posts.map((post) => post.body)).size).toBe(3);
});

test("an unconfirmed task that the operator marks as not delivered can be resent", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE);
  const variant = "drop_unstored_first_1";
  const host = await postTo(world, app, variant);
  await app.openTask(TASKS[0]);
  await app.press("Mark as not delivered");
  await expect(app.task(TASKS[0])).toContainText("Failed");
  await app.press("Resend task");
  // Only this task is sent: the others wait until the operator resumes.
  await expect(app.task(TASKS[0])).toContainText("Delivered");
  await expect(app.task(TASKS[1])).toContainText("Queued");
  await app.press("Resume posting");
  await expect(app.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
  const posts = await received(world, variant);
  expect(posts.map((post) => post.stored)).toEqual([false, true, true, true]);
  expect(posts[0]?.body).toBe(posts[1]?.body);
});

test.describe("a task that was not accepted is resent automatically after the wait", () => {
  for (const [variant, status, asked] of [
    ["error503_retry_after", 503, true],
    ["rate429", 429, true],
    ["rate429_hidden", 429, false],
  ] as const) {
    test(variant, async ({ world, app, complaints }) => {
      complaints.allow(statusLine(status));
      const once = `${variant}_first_1`;
      const host = await postTo(world, app, once);
      await expect(app.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
      const posts = await received(world, once);
      expect(posts.map((post) => post.stored)).toEqual([false, true, true, true]);
      expect(posts[0]?.body).toBe(posts[1]?.body);
      await app.openTask(TASKS[0]);
      const delivery = await app.deliveryTab();
      await expect(delivery.getByText("It asks the page to wait 1 second.")).toHaveCount(asked ? 1 : 0);
      await expect(delivery.getByRole("list", { name: "Attempts" }).getByRole("listitem")).toHaveText([
        new RegExp(`Not accepted: ${status}.*It is safe to resend it`),
        /Delivered: 200/,
      ]);
    });
  }
});

test("a Retry-After of 8 s is respected with a countdown, also after posting was stopped meanwhile", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(429));
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  let asked = 0;
  await app.page.route(`${server.address}/tasks`, (route) => {
    asked += 1;
    const headers = {
      "retry-after": "8",
      "access-control-expose-headers": "retry-after",
    };
    return route.fulfill({ status: 429, headers, body: '{"detail":"Slow down"}' });
  });
  await app.postWithDefaultToken(3, server.host);
  await expect(app.foot).toContainText(/The first task only.*next attempt in \d s/);
  await expect(app.task(TASKS[0])).toContainText(/Queued.*retry at \d\d:\d\d:\d\d/);
  const seconds = async () =>
    Number(/next attempt in (\d+) s/.exec((await app.foot.textContent()) ?? "")?.[1]);
  const first = await seconds();
  await expect.poll(seconds).toBeLessThan(first);
  expect(asked, "no request before the time").toBe(1);
  await app.press("Stop posting");
  for (const key of TASKS) await expect(app.task(key)).toContainText("Approved");
  await app.page.unroute(`${server.address}/tasks`);
  await app.post(3, server.host);
  await expect(app.foot, "the server still asks to wait").toContainText(/next attempt in \d s/);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible({ timeout: 15_000 });
  expect(await server.tasks()).toHaveLength(3);
});

test("the reasons of a FastAPI server are shown with the members they concern", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(422));
  await postTo(world, app, "requires_owner");
  await expect(app.task(TASKS[0])).toContainText("Refused");
  await expect(app.foot).toContainText("the server refused the first task");
  await app.openTask(TASKS[0]);
  const reasons = app.page.getByRole("list", { name: "The server's reasons" });
  await expect(reasons.getByRole("listitem")).toHaveText([/^\/owner Field required$/i]);
  expect(await received(world, "requires_owner"), "the other tasks were not sent").toHaveLength(1);
});

test("the reasons of taskwright-server are shown with the members they concern", async ({
  world,
  app,
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
      connection: "Stricter server",
      model: { base_url: world.testbed.model("exact-text", world.tag), model: "scripted" },
      task_server: { url: address },
    }),
  });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.postWithDefaultToken(3, server.host);
  await expect(app.task(TASKS[0])).toContainText("Refused");
  await app.openTask(TASKS[0]);
  await expect(app.page.getByText("Refused: 422 schema_violation")).toBeVisible();
  const reasons = app.page.getByRole("list", { name: "The server's reasons" });
  await expect(reasons.getByRole("listitem")).toHaveText([/^\/title /]);
});

test.describe("a status that rejects the task makes it refused", () => {
  for (const [variant, heading] of [
    ["status_400", "Refused: 400"],
    ["status_404", "Refused: 404"],
    ["status_405", "Refused: 405"],
    ["status_413", "Refused: 413"],
    ["status_415", "Refused: 415"],
  ] as const) {
    test(variant, async ({ world, app, complaints }) => {
      complaints.allow(statusLine(Number(variant.slice(-3))));
      await postTo(world, app, variant);
      await expect(app.task(TASKS[0])).toContainText("Refused");
      await app.openTask(TASKS[0]);
      await expect(app.page.getByRole("tabpanel", { name: /^Delivery/ })).toContainText(heading);
      const isMissingPath = variant === "status_404" || variant === "status_405";
      await expect(app.foot).toContainText(isMissingPath ? "Correct the path in the settings" : "see why");
      expect(await received(world, variant)).toHaveLength(1);
    });
  }
});

test.describe("the reasons of any framework are shown with the members they concern", () => {
  for (const [form, status] of [
    ["problem", 422],
    ["jsonapi", 422],
    ["rails", 422],
    ["validator", 400],
    ["zod", 400],
  ] as const) {
    test(form, async ({ world, app, complaints }) => {
      complaints.allow(statusLine(status));
      await postTo(world, app, `refusal_${form}`);
      await app.openTask(TASKS[0]);
      const reasons = app.page.getByRole("list", { name: "The server's reasons" });
      await expect(reasons.getByRole("listitem")).toHaveText([/^\/title is too long$/]);
    });
  }
});

test("a 409 for a duplicate is a refusal", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(409));
  await postTo(world, app, "duplicate409");
  await expect(app.task(TASKS[0])).toContainText("Refused");
  await app.openTask(TASKS[0]);
  const delivery = app.page.getByRole("tabpanel", { name: /^Delivery/ });
  await expect(delivery).toContainText("Refused: 409 duplicate_title");
  await expect(delivery).toContainText("A task of this title exists");
});

test("a redirect that only adds the slash is a refusal that names the path", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(405));
  await postTo(world, app, "redirect307");
  await expect(app.task(TASKS[0])).toContainText("Refused");
  await app.openTask(TASKS[0]);
  await expect(app.page.getByRole("tabpanel", { name: /^Delivery/ })).toContainText(
    /The server redirects to the same path with the trailing slash.*\/plain\/redirect307\/.*\/tasks\//,
  );
  expect(await received(world, "redirect307")).toHaveLength(0);
});

test("a firewall's 403 for one task refuses that task, and the others are delivered", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(403));
  const variant = `blocks_${TASKS[1]}`;
  const host = await postTo(world, app, variant);
  await expect(app.heading(`Posted to ${host}: 2 delivered and 1 refused`)).toBeVisible();
  await app.openTask(TASKS[1]);
  const delivery = await app.deliveryTab();
  await expect(delivery).toContainText("Refused: 403");
  await expect(delivery).toContainText("or a firewall in front of it");
  await expect(delivery).toContainText("Request blocked");
});

test("a 403 pauses posting, which continues at the same task with another token", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(403));
  const host = await postTo(world, app, "forbidden");
  const prompt = app.dialog(`Agent token for ${host}`);
  await expect(prompt.getByRole("textbox", { name: "Agent token" })).toHaveAccessibleDescription(
    /rejected the agent token/,
  );
  await app.enterToken(host, "changeme-renewed");
  await expect(app.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
  const posts = await received(world, "forbidden");
  expect(posts.map((post) => post.stored)).toEqual([false, true, true, true]);
  expect(posts[0]?.body).toBe(posts[1]?.body);
});

test("a task whose response was lost is resent automatically to a server that honours keys, and stored once", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE);
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  // The response to the first task is lost: the server has the task, but the page cannot know.
  let count = 0;
  await app.page.route(`${server.address}/tasks`, async (route) => {
    const response = await route.fetch();
    if (count++ === 0) return route.abort("connectionreset");
    return route.fulfill({ response });
  });
  await app.postWithDefaultToken(3, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  await app.openTask(TASKS[0]);
  const delivery = await app.deliveryTab();
  await expect(delivery.getByRole("list", { name: "Attempts" }).getByRole("listitem")).toHaveText([
    /Unconfirmed: no readable response.*carried its idempotency key/,
    /Delivered: 200.*The server already had the task/,
  ]);
  expect(await server.tasks()).toHaveLength(3);
});

test("an unconfirmed task that a look-up finds on the server becomes delivered", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE);
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  // The server stores every task, but no response arrives until posting is stopped.
  let isLost = true;
  await app.page.route(`${server.address}/tasks`, async (route) => {
    if (!isLost) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  await app.postWithDefaultToken(3, server.host);
  await expect.poll(async () => (await server.tasks()).length).toBe(1);
  await app.press("Stop posting");
  await expect(app.task(TASKS[0])).toContainText("Unconfirmed");
  isLost = false;
  await app.openTask(TASKS[0]);
  await expect(app.button("Resend with the same idempotency key"), "its key was sent").toBeVisible();
  await app.press("Look up on the server");
  await expect(app.task(TASKS[0])).toContainText("Delivered");
  const delivery = app.page.getByRole("tabpanel", { name: /^Delivery/ });
  await expect(delivery).toContainText(/Looked up at .*: the server has a task with this idempotency key/);
  const stored = await server.tasks();
  await expect(delivery).toContainText(`Server ID${stored[0]?.id}`);
  await app.post(2, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("a task whose key was not sent cannot be looked up", async ({ world, app, complaints }) => {
  complaints.allow(NO_RESPONSE);
  await postTo(world, app, "drop");
  await expect(app.task(TASKS[0])).toContainText("Unconfirmed");
  await app.openTask(TASKS[0]);
  await expect(app.page.getByText("look into the server's log")).toBeVisible();
  await expect(app.page.getByText(/sent without its idempotency key/)).toBeVisible();
  await expect(app.button("Look up on the server")).toHaveCount(0);
});

test("a JSON-RPC response is named as such, and the task is not delivered", async ({
  world,
  app,
}) => {
  await postTo(world, app, "jsonrpc");
  await app.openTask(TASKS[0]);
  await app.deliveryTab();
  await expect(app.task(TASKS[0])).not.toContainText("Delivered");
  await expect(app.page.getByText(/JSON-RPC/)).toBeVisible();
});
