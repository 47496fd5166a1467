// Several tabs with one run: one of them has it, the others look on, and take over when it is gone.
import type { Page } from "@playwright/test";

import { Desk } from "./desk.ts";
import { expect, test } from "./world.ts";

const LOOKS_ON = /^Another tab has this run/;

/** Another tab of the same browser, at the same page. */
async function anotherTab(page: Page, address: string): Promise<Desk> {
  const desk = new Desk(await page.context().newPage());
  await desk.open(address);
  return desk;
}

test("two tabs that come back together and press Post together deliver each task once", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  const other = await anotherTab(desk.page, server.address);
  await expect(other.page.getByText(LOOKS_ON)).toBeVisible();

  const tabs = [desk, other];
  await Promise.all(tabs.map((tab) => tab.page.reload()));
  const postOf = (tab: Desk) => tab.foot.getByRole("button", { name: /^Post 3 tasks/ });
  // Both are there before one of them is pressed.
  await Promise.all(tabs.map((tab) => postOf(tab).waitFor()));
  const press = async (tab: Desk) => {
    const post = postOf(tab);
    // A button that is barred is pressed all the same, as a person would who did not look.
    await post.dispatchEvent("click");
    const confirm = tab.dialog("Post 3 tasks?");
    await confirm.waitFor({ timeout: 3_000 }).catch(() => undefined);
    if (!(await confirm.isVisible())) return false;
    await confirm.getByRole("button", { name: /^Post 3 tasks/ }).click();
    await tab
      .dialog(/^Token for /)
      .getByRole("button", { name: "Use “changeme”, the local default" })
      .click();
    return true;
  };
  const pressed = await Promise.all(tabs.map(press));
  expect(pressed.filter(Boolean), "one tab posts").toHaveLength(1);
  for (const tab of tabs) {
    await expect(tab.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  }
  expect(await server.tasks()).toHaveLength(3);
});

test("a tab that looks on sees how far posting is, changes nothing, and takes over when the first one is closed", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  // The second task is on its way, and stays there, when the first tab is closed.
  let asked = 0;
  await desk.page.route(`${server.address}/tasks`, async (route) => {
    asked += 1;
    if (asked === 1) await route.continue();
  });
  const other = await anotherTab(desk.page, server.address);
  await expect(other.page.getByText(LOOKS_ON)).toBeVisible();
  await expect(other.button("Put keep-the-order back")).toBeDisabled();
  const post = other.foot.getByRole("button", { name: /^Post 3 tasks/ });
  await expect(post).toBeDisabled();
  await expect(post).toHaveAccessibleDescription(LOOKS_ON);

  await desk.postWithDefaultToken(3, server.host);
  await expect(other.foot).toContainText(`Another tab is posting 1 of 3 to ${server.host}`);
  await expect(other.task("keep-the-order")).toContainText("Delivered");
  await expect(other.task("keep-the-digits")).toContainText("Sending");
  await expect(other.button("Pause posting")).toBeDisabled();

  await desk.page.close();
  await expect(other.page.getByText(LOOKS_ON)).toBeHidden();
  await expect(other.foot).toContainText("Paused at 1 of 3: the page was closed");
  await other.press("Resume posting");
  await other.giveToken(server.host, "changeme");
  await expect(other.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const stored = await server.tasks();
  expect(stored).toHaveLength(3);
  expect(new Set(stored.map((task) => task.idempotencyKey)).size).toBe(3);
});

test("what one tab decides is seen in the other at once", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  const other = await anotherTab(desk.page, server.address);
  await expect(other.page.getByText(LOOKS_ON)).toBeVisible();
  await desk.press("Approve keep-the-order");
  await desk.openTask("keep-the-digits");
  await desk.editor.fill('{"key":"keep-the-digits","title":"Changed here","instructions":"x","priority":"low"}');
  await expect(other.tasks).toContainText(["Approved", "Changed here", "Ready"]);
  await other.openTask("keep-the-digits");
  await expect(other.editor).not.toBeEditable();
});
