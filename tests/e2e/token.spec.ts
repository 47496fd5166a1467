// A token that is not accepted any more, in the middle of a batch.
import { header } from "./servers.ts";
import { expect, statusLine, test } from "./world.ts";

test("a token that is revoked in the middle of a batch is asked for once what is on its way is settled, and posting goes on at the same task with the same key", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(statusLine(401));
  const server = await world.liveServer({
    script: "plain",
    honoursKeys: true,
    tokens: "the-old-token,the-new-token",
  });
  await desk.open(server.address);
  await desk.makeTasks(8);
  await desk.approveAll(8);
  // From the third request on the server knows the old token no more: it gets one that it does not
  // know. The fourth request left before that; its answer takes a while.
  const sent: { token?: string; key?: string; body: string | null; status?: number }[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await desk.page.route(`${server.address}/tasks`, async (route) => {
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
    const answer = await route.fetch({
      headers: { ...headers, ...(isRevoked ? { "x-agent-token": "revoked" } : {}) },
    });
    note.status = answer.status();
    await route.fulfill({ response: answer });
  });
  await desk.post(8, server.host);
  await desk.giveToken(server.host, "the-old-token");

  await expect(desk.foot).toContainText("the server refused the token (401)");
  const another = desk.button("Enter another token");
  await expect(another).toBeDisabled();
  await expect(another).toHaveAccessibleDescription("What is on its way is settled first.");
  await expect(desk.dialog(/^Token for /), "not while a task is on its way").toHaveCount(0);
  release();
  const question = desk.dialog(`Token for ${server.host}`);
  await expect(question.getByRole("textbox", { name: "Agent token" })).toHaveAccessibleDescription(
    /did not accept the agent token/,
  );
  const before = sent.length;
  await desk.giveToken(server.host, "the-new-token");
  await expect(desk.heading(`Posted to ${server.host}: 8 delivered`)).toBeVisible();

  const refused = sent.filter((request) => request.status === 401);
  expect(refused.length).toBeGreaterThan(0);
  expect(sent.slice(before).every((request) => request.token === "the-new-token")).toBe(true);
  for (const request of refused) {
    const again = sent.slice(before).filter((later) => later.key === request.key);
    expect(again.map((later) => later.body)).toEqual([request.body]);
  }
  const stored = await server.tasks();
  expect(stored).toHaveLength(8);
  expect(new Set(stored.map((task) => task.idempotencyKey)).size).toBe(8);
});

test("a server that comes back with another token after a crash gets every task once", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(statusLine(401), /Failed to load resource: net::ERR_/);
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true, tokens: "first" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  let isDown = false;
  await desk.page.route(`${server.address}/tasks`, async (route) => {
    // Several requests are on their way here; for the later ones the server may be gone already.
    const stored = await server.tasks().catch(() => []);
    if (!isDown && stored.length === 1) {
      isDown = true;
      await server.stop();
    }
    await route.continue();
  });
  await desk.post(3, server.host);
  await desk.giveToken(server.host, "first");
  await expect(desk.foot).toContainText(/next try in \d+ s|Up to 4 tasks|trying one at a time/);
  await expect.poll(() => isDown).toBe(true);
  await desk.page.unroute(`${server.address}/tasks`);
  const again = await world.again(server, { tokens: "second" });
  await desk.giveToken(server.host, "second");
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible({ timeout: 30_000 });
  const stored = await again.tasks();
  expect(stored).toHaveLength(3);
  expect(new Set(stored.map((task) => task.idempotencyKey)).size).toBe(3);
});

test("a request that is made after a refused one carries the header of the token that was given", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(statusLine(401));
  const variant = "unauthorized_first_1";
  const server = await world.liveServer({
    script: "exact-text",
    tasks: world.testbed.plain(variant, world.tag),
  });
  const host = world.testbed.host;
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  await desk.post(3, host);
  await desk.giveToken(host, "changeme");
  await expect(desk.dialog(`Token for ${host}`).getByRole("textbox")).toHaveAccessibleDescription(
    /did not accept the agent token/,
  );
  await desk.giveToken(host, "changeme");
  await expect(desk.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
  const posts = await world.testbed.received(variant, world.tag);
  expect(posts).toHaveLength(4);
  expect(posts.every((post) => header(post.headers, "x-agent-token") === "changeme")).toBe(true);
});
