// What survives a reload: everything that was typed and decided. What was under way is never taken
// for finished, and no task leaves twice.
import { header } from "./servers.ts";
import { expect, test } from "./world.ts";

test("the brief is there again, word for word", async ({ world, desk }) => {
  const server = await world.taskServer();
  await desk.open(server.address, /^Dry run —/);
  const brief = { goal: "Ärger & “quotes”\n<b>", context: "\ttabs\n", rules: "none", count: "ten" };
  await desk.write(brief);
  await desk.page.reload();
  await desk.expectBrief(brief);
});

test("drafts, edits, broken JSON, approvals and rejections are there again", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  await desk.openTask("keep-the-digits");
  const edited = (await desk.editor.inputValue()).replace("Keep the digits", "Keep all digits");
  await desk.editor.fill(edited);
  await desk.press("Approve");
  await desk.openTask("keep-the-space");
  await desk.press("Reject…");
  await desk.field(/^Why reject it\?/).fill("Not “ours”");
  await desk.press("Reject the task");
  await desk.openTask("keep-the-order");
  const broken = '{"title": "half a';
  await desk.editor.fill(broken);
  await desk.page.reload();

  await expect(desk.tasks).toHaveText([/not JSON/, /Keep all digits.*Approved/, /Rejected/]);
  await desk.tasks.first().getByRole("button").first().click();
  await expect(desk.editor).toHaveValue(broken);
  await expect(desk.page.getByRole("list", { name: "The text is not JSON" })).toContainText(
    /Line 1, column \d+/,
  );
  await desk.openTask("keep-the-space");
  await expect(desk.page.getByText("Rejected: Not “ours”")).toBeVisible();
  await desk.openTask("keep-the-digits");
  await expect(desk.editor).toHaveValue(edited);
  await expect(desk.foot).toContainText("1 of 3 tasks approved");
  await desk.postWithDefaultToken(1, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 1 delivered`)).toBeVisible();
  expect((await server.tasks()).map((task) => task.text)).toEqual([edited]);
});

test("a live run stays live and asks for the token that it lacks", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  await desk.page.reload();
  await expect(desk.modeBand).toHaveText("Live → Test bench");
  await desk.postWithDefaultToken(3, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();

  await desk.page.reload();
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  for (const task of await desk.tasks.all()) await expect(task).toContainText("Delivered");
  await expect(desk.foot).toBeHidden();
  expect(await server.tasks()).toHaveLength(3);
});

test("a token that is kept for the tab is there after a reload, in that tab alone", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.press("Approve keep-the-order");
  await desk.post(1, server.host);
  const question = desk.dialog(`Token for ${server.host}`);
  await question.getByRole("checkbox", { name: /^Keep it for this tab/ }).check();
  await desk.giveToken(server.host, "changeme");
  await expect(desk.heading(`Posted to ${server.host}: 1 delivered`)).toBeVisible();
  await desk.page.reload();
  await desk.approveAll(2);
  await desk.post(2, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
});

test("a reload in the middle of an answer leaves it interrupted, its whole tasks there", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "slow" });
  await desk.open(server.address);
  await desk.write({ goal: "Sort the letters", count: "8" });
  await desk.generate();
  await expect(desk.tasks.first()).toContainText("Ready");
  const before = await desk.tasks.count();
  await desk.page.reload();
  await expect(desk.heading(/^The answer broke off after [1-7] of 8 tasks$/)).toBeVisible();
  await expect(desk.page.getByText("the page was closed")).toBeVisible();
  expect(await desk.tasks.count()).toBeGreaterThanOrEqual(before);
  await expect(desk.button(/^Approve/)).toHaveCount(0);
  await expect
    .poll(async () => (await world.testbed.asked(world.tag)).map((request) => request.answer.ended))
    .toEqual(["abandoned"]);
});

test("a reload in the middle of posting: what was on its way is unknown, the rest waits and is posted once", async ({
  world,
  desk,
}) => {
  const variant = "hang_first_1";
  const server = await world.liveServer({
    script: "exact-text",
    tasks: world.testbed.plain(variant, world.tag),
  });
  const host = world.testbed.host;
  const received = () => world.testbed.received(variant, world.tag);
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  await desk.postWithDefaultToken(3, host);
  await expect.poll(async () => (await received()).length).toBe(1);
  await expect(desk.foot).toContainText("Posting 0 of 3");
  await desk.page.reload();

  await expect(desk.foot).toContainText("the page was closed");
  await expect(desk.tasks).toHaveText([/Unknown/, /Queued/, /Queued/]);
  expect(await received(), "nothing leaves by itself").toHaveLength(1);

  await desk.press("Resume posting");
  await desk.giveToken(host, "changeme");
  await expect(desk.heading(`Posted to ${host}: 2 delivered and 1 unconfirmed`)).toBeVisible();
  const posts = await received();
  expect(posts).toHaveLength(3);
  expect(new Set(posts.map((post) => post.body)).size).toBe(3);
  expect(posts.map((post) => header(post.headers, "x-agent-token"))).toEqual(
    Array(3).fill("changeme"),
  );
});

test("with keys, what was on its way at a reload waits, goes again with its key and is there once", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  // The server takes the first task; its answer never reaches the page.
  let isHeld = true;
  await desk.page.route(`${server.address}/tasks`, async (route) => {
    const answer = await route.fetch();
    if (!isHeld) await route.fulfill({ response: answer });
  });
  await desk.postWithDefaultToken(3, server.host);
  await expect.poll(async () => (await server.tasks()).length).toBe(1);
  await desk.page.reload();
  isHeld = false;
  await expect(desk.foot).toContainText("goes again with the same key, which doubles nothing");
  await expect(desk.tasks).toHaveText([/Queued/, /Queued/, /Queued/]);
  await desk.press("Resume posting");
  await desk.giveToken(server.host, "changeme");
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const stored = await server.tasks();
  expect(stored).toHaveLength(3);
  expect(new Set(stored.map((task) => task.idempotencyKey)).size).toBe(3);
});

test("pressing twice posts once", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  const post = desk.foot.getByRole("button", { name: /^Post 3 tasks/ });
  await post.dblclick();
  const confirm = desk.dialog("Post 3 tasks?").getByRole("button", { name: /^Post 3 tasks/ });
  await confirm.evaluate((button: HTMLButtonElement) => {
    button.click();
    button.click();
  });
  await desk
    .dialog(/^Token for /)
    .getByRole("button", { name: "Use “changeme”, the local default" })
    .dblclick();
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("pausing lets what is under way end and sends nothing more until it is resumed", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await desk.page.route(`${server.address}/tasks`, async (route) => {
    await held;
    await route.continue();
  });
  await desk.postWithDefaultToken(3, server.host);
  await desk.press("Pause posting");
  release();
  await expect(desk.task("keep-the-order")).toContainText("Delivered");
  await expect(desk.foot).toContainText("Paused at 1 of 3");
  expect(await server.tasks()).toHaveLength(1);

  await desk.press("Stop posting");
  await expect(desk.task("keep-the-digits"), "what has not left stays approved").toContainText("Approved");
  await desk.post(2, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("a run that was put aside comes back with its approvals", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.press("Approve keep-the-order");
  await desk.press("Put the run aside");
  await expect(desk.tasks).toHaveCount(0);
  await expect(desk.heading("From a brief to posted tasks")).toBeVisible();
  await desk.press("Undo");
  await expect(desk.tasks).toHaveText([/Approved/, /Ready/, /Ready/]);
  await expect(desk.foot).toContainText("1 of 3 tasks approved");
  await desk.page.reload();
  await expect(desk.tasks).toHaveText([/Approved/, /Ready/, /Ready/]);
});

test("what was put aside stays aside after a reload, and the brief is still there", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3, "Sort the letters");
  await desk.press("Put the run aside");
  await desk.page.reload();
  await desk.expectBrief({ goal: "Sort the letters", count: "3" });
  await expect(desk.modeBand).toHaveText("Live → Test bench");
  await expect(desk.tasks).toHaveCount(0);
});

test("settings are there again, and win over config.json", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  const settings = await desk.settings();
  await settings.getByRole("textbox", { name: "Name", exact: true }).fill("My own bench");
  await desk.saveSettings();
  await expect(desk.modeBand).toHaveText("Live → My own bench");
  await desk.page.reload();
  await expect(desk.modeBand).toHaveText("Live → My own bench");
});
