// A token that is revoked while posting.
import { header } from "./servers.ts";
import { expect, statusLine, test } from "./world.ts";

test("a revoked token is requested again once the requests in flight have finished, and posting continues with the same task and key", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(401));
  const server = await world.liveServer({
    script: "plain",
    honoursKeys: true,
    tokens: "the-old-token,the-new-token",
  });
  await app.open(server.address);
  await app.generateTasks(8);
  await app.approveAll(8);
  // From the third request on, the server receives an unknown token instead of the old one. The fourth
  // request was sent before that, and its response is delayed.
  const sent: { token?: string; key?: string; body: string | null; status?: number }[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await app.page.route(`${server.address}/tasks`, async (route) => {
    const request = route.request();
    const headers = await request.allHeaders();
    const number = sent.length;
    const note: (typeof sent)[number] = {
      token: headers["x-agent-token"],
      key: headers["idempotency-key"],
      body: request.postData(),
    };
    sent.push(note);
    const isRevoked = headers["x-agent-token"] === "the-old-token" && number >= 2 && number !== 3;
    if (number === 3) await held;
    const response = await route.fetch({
      headers: { ...headers, ...(isRevoked ? { "x-agent-token": "revoked" } : {}) },
    });
    note.status = response.status();
    await route.fulfill({ response });
  });
  await app.post(8, server.host);
  await app.enterToken(server.host, "the-old-token");

  await expect(app.foot).toContainText("the server rejected the agent token (401)");
  const another = app.button("Enter another agent token…");
  await expect(another).toBeDisabled();
  await expect(another).toHaveAccessibleDescription("Wait until the requests in flight have finished.");
  await expect(app.dialog(/^Agent token for /), "no prompt while a task is in flight").toHaveCount(0);
  release();
  const prompt = app.dialog(`Agent token for ${server.host}`);
  await expect(prompt.getByRole("textbox", { name: "Agent token" })).toHaveAccessibleDescription(
    /rejected the agent token/,
  );
  const before = sent.length;
  await app.enterToken(server.host, "the-new-token");
  await expect(app.heading(`Posted to ${server.host}: 8 delivered`)).toBeVisible();

  const refused = sent.filter((request) => request.status === 401);
  expect(refused.length).toBeGreaterThan(0);
  expect(sent.slice(before).every((request) => request.token === "the-new-token")).toBe(true);
  for (const request of refused) {
    const repeated = sent.slice(before).filter((later) => later.key === request.key);
    expect(repeated.map((later) => later.body)).toEqual([request.body]);
  }
  const stored = await server.tasks();
  expect(stored).toHaveLength(8);
  expect(new Set(stored.map((task) => task.idempotencyKey)).size).toBe(8);
});

test("a server that restarts with another token after a crash stores every task once", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(401), /Failed to load resource: net::ERR_/);
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true, tokens: "first" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  let isDown = false;
  await app.page.route(`${server.address}/tasks`, async (route) => {
    // Several requests are in flight here. The server may already be stopped when the later ones run.
    const stored = await server.tasks().catch(() => []);
    if (!isDown && stored.length === 1) {
      isDown = true;
      await server.stop();
    }
    await route.continue();
  });
  await app.post(3, server.host);
  await app.enterToken(server.host, "first");
  await expect(app.foot).toContainText(/next attempt in \d+ s|Up to 4 tasks|one task at a time/);
  await expect.poll(() => isDown).toBe(true);
  await app.page.unroute(`${server.address}/tasks`);
  const restarted = await world.restart(server, { tokens: "second" });
  await app.enterToken(server.host, "second");
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible({ timeout: 30_000 });
  const stored = await restarted.tasks();
  expect(stored).toHaveLength(3);
  expect(new Set(stored.map((task) => task.idempotencyKey)).size).toBe(3);
});

test("the request after a rejected one carries the newly entered token", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(401));
  const variant = "unauthorized_first_1";
  const server = await world.liveServer({
    script: "exact-text",
    tasks: world.testbed.plain(variant, world.tag),
  });
  const host = world.testbed.host;
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.post(3, host);
  await app.enterToken(host, "changeme");
  await expect(app.dialog(`Agent token for ${host}`).getByRole("textbox")).toHaveAccessibleDescription(
    /rejected the agent token/,
  );
  await app.enterToken(host, "changeme");
  await expect(app.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
  const posts = await world.testbed.received(variant, world.tag);
  expect(posts).toHaveLength(4);
  expect(posts.every((post) => header(post.headers, "x-agent-token") === "changeme")).toBe(true);
});

test("secrets are forgotten after the chosen time without input, and asked for again", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain", tokens: "a-token-to-forget" });
  await app.page.clock.install();
  await app.open(server.address);
  const settings = await app.settings();
  await settings.getByLabel("Forget secrets after inactivity").selectOption("5 minutes");
  await app.page.keyboard.press("Escape");
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.post(3, server.host);
  await app.enterToken(server.host, "a-token-to-forget");
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const held = async () => {
    const again = await app.settings();
    await expect(again.getByLabel("Forget secrets after inactivity")).toHaveValue("5");
    const count = await again.getByText("Agent token", { exact: true }).count();
    await app.page.keyboard.press("Escape");
    return count;
  };
  await app.page.clock.fastForward("04:30");
  expect(await held()).toBeGreaterThan(0);
  const forgotten = app.page
    .getByRole("status")
    .getByText("API keys and agent tokens were forgotten after 5 minutes without input.");
  await expect(forgotten).toHaveCount(0);
  await app.page.clock.fastForward("05:30");
  await expect(forgotten).toBeVisible();
  const again = await app.settings();
  await expect(again.getByText("No API key or agent token in memory.")).toBeVisible();
});
