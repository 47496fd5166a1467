// What survives a reload: everything that was typed and decided. Requests in flight are never treated
// as finished, and no task is sent twice.
import { header } from "./servers.ts";
import { expect, test } from "./world.ts";

test("the brief survives a reload unchanged", async ({ world, app }) => {
  const server = await world.taskServer();
  await app.open(server.address, /^Dry run —/);
  const brief = { goal: "Ärger & “quotes”\n<b>", context: "\ttabs\n", rules: "none", count: "ten" };
  await app.fillBrief(brief);
  await app.page.reload();
  await expect(app.modeBand).toHaveText(/^Dry run —/);
  await app.loaded();
  await app.expectBrief(brief);
});

test("drafts, edits, invalid JSON, approvals and rejections survive a reload", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.openTaskAsJson("keep-the-digits");
  const edited = (await app.editor.inputValue()).replace("Keep the digits", "Keep all digits");
  await app.editor.fill(edited);
  await app.approveButton.click();
  await app.openTask("keep-the-space");
  await app.press("Reject…");
  await app.field(/^Reason/).fill("Not “ours”");
  await app.press("Reject task");
  await app.openTaskAsJson("keep-the-order");
  const invalid = '{"title": "half a';
  await app.editor.fill(invalid);
  await app.page.reload();

  await expect(app.tasks).toHaveText([/not JSON/, /Keep all digits.*Approved/, /Rejected/]);
  await app.tasks.first().getByRole("button").first().click();
  await app.openJson();
  await expect(app.editor).toHaveValue(invalid);
  await expect(app.page.getByRole("list", { name: "The text is not JSON" })).toContainText(
    /Line 1, column \d+/,
  );
  await app.openTask("keep-the-space");
  await expect(app.page.getByText("Rejected: Not “ours”")).toBeVisible();
  await app.openTaskAsJson("keep-the-digits");
  await expect(app.editor).toHaveValue(edited);
  await expect(app.foot).toContainText("1 of 3 tasks approved");
  await app.postWithDefaultToken(1, server.host);
  await expect(app.heading(`Posted to ${server.host}: 1 delivered`)).toBeVisible();
  expect((await server.tasks()).map((task) => task.text)).toEqual([edited]);
});

test("a live run stays live after a reload and asks for its token again", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.page.reload();
  await expect(app.modeBand).toHaveText("Live → Test bench");
  await app.postWithDefaultToken(3, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();

  await app.page.reload();
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  for (const task of await app.tasks.all()) await expect(task).toContainText("Delivered");
  await expect(app.foot).toBeHidden();
  expect(await server.tasks()).toHaveLength(3);
});

test("the mode that was chosen for the next run survives a reload, but not a link that asks for a dry run", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.page.getByText("Dry run", { exact: true }).click();
  await expect(app.modeBand).toHaveText(/^Dry run/);
  await app.page.reload();
  await expect(app.modeBand).toHaveText(/^Dry run/);
  await app.generateTasks(2);
  expect(await world.testbed.asked(world.tag)).toEqual([]);

  await app.page.getByText("Live", { exact: true }).click();
  await app.open(`${server.address}/?dry-run`, /^Dry run/);
  await expect(app.page.getByRole("radio", { name: "Dry run" })).toBeChecked();
});

test("a token kept for the tab survives a reload", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.press("Approve keep-the-order");
  await app.post(1, server.host);
  await app.tokenDialog(server.host).getByRole("checkbox", { name: /^Keep for this tab/ }).check();
  await app.enterToken(server.host, "changeme");
  await expect(app.heading(`Posted to ${server.host}: 1 delivered`)).toBeVisible();
  await app.page.reload();
  await app.approveAll(2);
  await app.post(2, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
});

test("a reload while a response arrives leaves it interrupted and keeps its tasks", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "slow" });
  await app.open(server.address);
  await app.fillBrief({ goal: "Sort the letters", count: "8" });
  await app.generate();
  await expect(app.tasks.first()).toContainText("Ready");
  const before = await app.tasks.count();
  await app.page.reload();
  await expect(app.heading(/^The response was interrupted after [1-7] of 8 tasks$/)).toBeVisible();
  await expect(app.page.getByText("the page was closed")).toBeVisible();
  expect(await app.tasks.count()).toBeGreaterThanOrEqual(before);
  await expect(app.button(/^Approve/)).toHaveCount(0);
  await expect
    .poll(async () => (await world.testbed.asked(world.tag)).map((request) => request.answer.ended))
    .toEqual(["abandoned"]);
});

test("after a reload while posting, the task in flight is unconfirmed, and the others wait and are posted once", async ({
  world,
  app,
}) => {
  const variant = "hang_first_1";
  const server = await world.liveServer({
    script: "exact-text",
    tasks: world.testbed.plain(variant, world.tag),
  });
  const host = world.testbed.host;
  const received = () => world.testbed.received(variant, world.tag);
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.postWithDefaultToken(3, host);
  await expect.poll(async () => (await received()).length).toBe(1);
  await expect(app.foot).toContainText("Posting 0 of 3");
  await app.page.reload();

  await expect(app.foot).toContainText("the page was closed");
  await expect(app.tasks).toHaveText([/Unconfirmed/, /Queued/, /Queued/]);
  expect(await received(), "nothing is sent automatically").toHaveLength(1);

  await app.press("Resume posting");
  await app.enterToken(host, "changeme");
  await expect(app.heading(`Posted to ${host}: 2 delivered and 1 unconfirmed`)).toBeVisible();
  const posts = await received();
  expect(posts).toHaveLength(3);
  expect(new Set(posts.map((post) => post.body)).size).toBe(3);
  expect(posts.map((post) => header(post.headers, "x-agent-token"))).toEqual(
    Array(3).fill("changeme"),
  );
});

test("with keys, a task in flight at a reload is resent with its key and stored once", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  // The server stores the first task, but its response never reaches the page.
  let isHeld = true;
  await app.page.route(`${server.address}/tasks`, async (route) => {
    const response = await route.fetch();
    if (!isHeld) await route.fulfill({ response });
  });
  await app.postWithDefaultToken(3, server.host);
  await expect.poll(async () => (await server.tasks()).length).toBe(1);
  await app.page.reload();
  isHeld = false;
  await expect(app.foot).toContainText("are resent with the same idempotency key");
  await expect(app.tasks).toHaveText([/Queued/, /Queued/, /Queued/]);
  await app.press("Resume posting");
  await app.enterToken(server.host, "changeme");
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const stored = await server.tasks();
  expect(stored).toHaveLength(3);
  expect(new Set(stored.map((task) => task.idempotencyKey)).size).toBe(3);
});

test("double clicks post each task once", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  const post = app.foot.getByRole("button", { name: /^Post 3 tasks/ });
  await post.dblclick();
  const dialog = app.tokenDialog(server.host);
  await dialog.getByRole("textbox", { name: "Agent token" }).fill("changeme");
  await dialog.getByRole("button", { name: /^Post 3 tasks/ }).evaluate((button: HTMLButtonElement) => {
    button.click();
    button.click();
  });
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("pausing lets requests in flight finish and sends nothing more until posting is resumed", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await app.page.route(`${server.address}/tasks`, async (route) => {
    await held;
    await route.continue();
  });
  await app.postWithDefaultToken(3, server.host);
  await app.press("Pause posting");
  release();
  await expect(app.task("keep-the-order")).toContainText("Delivered");
  await expect(app.foot).toContainText("Paused at 1 of 3");
  expect(await server.tasks()).toHaveLength(1);

  await app.press("Stop posting");
  await expect(app.task("keep-the-digits"), "unsent tasks stay approved").toContainText("Approved");
  await app.post(2, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("undoing an archive restores the run with its approvals", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.press("Approve keep-the-order");
  await app.press("Archive this run");
  await app.dialog("Leave this run?").getByRole("button", { name: "Leave run" }).click();
  await expect(app.tasks).toHaveCount(0);
  await expect(app.heading("From a brief to posted tasks")).toBeVisible();
  await app.press("Undo");
  await expect(app.tasks).toHaveText([/Approved/, /Ready/, /Ready/]);
  await expect(app.foot).toContainText("1 of 3 tasks approved");
  await app.page.reload();
  await expect(app.tasks).toHaveText([/Approved/, /Ready/, /Ready/]);
});

test("an archived run stays archived after a reload, and the brief is kept", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3, "Sort the letters");
  await app.press("Archive this run");
  await app.page.reload();
  await app.expectBrief({ goal: "Sort the letters", count: "3" });
  await expect(app.modeBand).toHaveText("Live → Test bench");
  await expect(app.tasks).toHaveCount(0);
});

test("settings survive a reload and override config.json", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  const settings = await app.settings();
  await settings.getByRole("textbox", { name: "Name", exact: true }).fill("My own bench");
  await app.saveSettings();
  await expect(app.modeBand).toHaveText("Live → My own bench");
  await app.page.reload();
  await expect(app.modeBand).toHaveText("Live → My own bench");
});

test("settings that are opened before config.json is read show the connection of this browser", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  const settings = await app.settings();
  await settings.getByRole("textbox", { name: "Name", exact: true }).fill("My own bench");
  await app.saveSettings();
  await expect(app.modeBand).toHaveText("Live → My own bench");
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await app.page.route("**/config.json", async (route) => {
    await held;
    await route.continue();
  });
  await app.page.reload();
  // The shell has no such state: the press counts once the page is mounted.
  await expect(async () => {
    await app.press("Settings");
    await expect(app.button("Settings")).toHaveAttribute("aria-busy", "true", { timeout: 500 });
  }).toPass();
  await expect(app.dialog(/^Settings: /)).toHaveCount(0);
  release();
  await expect(app.dialog("Settings: My own bench")).toBeVisible();
  await expect(app.button("Settings")).not.toHaveAttribute("aria-busy", "true");
});
