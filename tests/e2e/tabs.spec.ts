// Several tabs with one run: one of them has it, the others are read-only and take over when it closes.
import type { AppPage } from "./app-page.ts";
import { expect, test } from "./world.ts";

const READ_ONLY = /^This tab is read-only/;

test("two tabs that reload and post at the same time deliver each task once", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  const other = await app.anotherTab(server.address);
  await expect(other.page.getByText(READ_ONLY)).toBeVisible();

  const tabs = [app, other];
  await Promise.all(tabs.map((tab) => tab.page.reload()));
  const postOf = (tab: AppPage) => tab.foot.getByRole("button", { name: /^Post 3 tasks/ });
  // Wait for both buttons before pressing one.
  await Promise.all(tabs.map((tab) => postOf(tab).waitFor()));
  const press = async (tab: AppPage) => {
    const post = postOf(tab);
    // Pressed even if it is disabled.
    await post.dispatchEvent("click");
    const confirm = tab.dialog("Post 3 tasks?");
    await confirm.waitFor({ timeout: 3_000 }).catch(() => undefined);
    if (!(await confirm.isVisible())) return false;
    await confirm.getByRole("button", { name: "Use “changeme”, the local default" }).click();
    return true;
  };
  const pressed = await Promise.all(tabs.map(press));
  expect(pressed.filter(Boolean), "only one tab posts").toHaveLength(1);
  for (const tab of tabs) {
    await expect(tab.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  }
  expect(await server.tasks()).toHaveLength(3);
});

test("a read-only tab shows the progress of posting, changes nothing, and takes over when the other tab is closed", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  // The second task is still in flight when the first tab is closed.
  let asked = 0;
  await app.page.route(`${server.address}/tasks`, async (route) => {
    asked += 1;
    if (asked === 1) await route.continue();
  });
  const other = await app.anotherTab(server.address);
  await expect(other.page.getByText(READ_ONLY)).toBeVisible();
  await expect(other.button("Undo approval of keep-the-order")).toBeDisabled();
  const post = other.foot.getByRole("button", { name: /^Post 3 tasks/ });
  await expect(post).toBeDisabled();
  await expect(post).toHaveAccessibleDescription(READ_ONLY);

  await app.postWithDefaultToken(3, server.host);
  await expect(other.foot).toContainText(`Another tab is posting 1 of 3 to ${server.host}`);
  await expect(other.task("keep-the-order")).toContainText("Delivered");
  await expect(other.task("keep-the-digits")).toContainText("Sending");
  await expect(other.button("Pause posting")).toBeDisabled();

  await app.page.close();
  await expect(other.page.getByText(READ_ONLY)).toBeHidden();
  await expect(other.foot).toContainText("Paused at 1 of 3: the page was closed");
  await other.press("Resume posting");
  await other.enterToken(server.host, "changeme");
  await expect(other.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const stored = await server.tasks();
  expect(stored).toHaveLength(3);
  expect(new Set(stored.map((task) => task.idempotencyKey)).size).toBe(3);
});

test("a decision in one tab is shown in the other immediately", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  const other = await app.anotherTab(server.address);
  await expect(other.page.getByText(READ_ONLY)).toBeVisible();
  await app.press("Approve keep-the-order");
  await app.openTaskAsJson("keep-the-digits");
  await app.editor.fill('{"key":"keep-the-digits","title":"Changed here","instructions":"x","priority":"low"}');
  await expect(other.tasks).toContainText(["Approved", "Changed here", "Ready"]);
  await other.openTaskAsJson("keep-the-digits");
  await expect(other.editor).not.toBeEditable();
});
