// Accessibility: keyboard, screen reader, both colour schemes, narrow screen. Screenshots of the main
// states are kept in results/.
import type { Locator, Page } from "@playwright/test";

import { examine } from "./examine.ts";
import { expect, NO_RESPONSE, statusLine, test } from "./world.ts";

// Each test examines a dozen states, which takes long on a busy machine.
test.describe.configure({ timeout: 180_000 });

for (const width of [360, 1280]) {
  test.describe(`at ${width} px`, () => {
    test.use({ viewport: { width, height: 800 } });

    test("the states from a brief to delivered tasks", async ({ world, app, complaints }) => {
      complaints.allow(statusLine(401));
      const server = await world.liveServer({ script: "exact-text", tokens: "of-this-test" });
      await app.open(server.address);
      await examine(app.page, "1-first-visit");
      await app.generate();
      await expect(app.field("Goal")).toHaveAttribute("aria-invalid", "true");
      await examine(app.page, "2-empty-brief");
      await app.fillBrief({ goal: "Migrate {{service}}" });
      await app.press("Saved briefs…");
      const briefs = app.dialog("Saved briefs");
      await examine(app.page, "2b-no-saved-briefs");
      await briefs.getByRole("textbox", { name: "Save this brief as" }).fill("Migration");
      await briefs.getByRole("button", { name: "Save brief" }).click();
      await briefs.getByRole("button", { name: "Use Migration" }).click();
      await expect(briefs.getByRole("textbox", { name: "Service" })).toBeFocused();
      await examine(app.page, "2c-saved-briefs");
      await briefs.getByRole("button", { name: "Close", exact: true }).last().click();
      await app.generateTasks(3);
      await examine(app.page, "3-tasks");
      await app.press("Filter and sort");
      await app.page.getByLabel("Sort by").selectOption("Title");
      await app.page.locator(".task-select").first().check();
      await examine(app.page, "3b-filters-and-selection");
      await app.press(/^Reject 1 selected task…/);
      await expect(app.dialog("Reject 1 task?")).toBeVisible();
      await examine(app.page, "3c-reject");
      await app.page.keyboard.press("Escape");
      await app.press("Export tasks…");
      await examine(app.page, "3d-export");
      await app.page.keyboard.press("Escape");
      await app.press("Clear selection");
      await app.page.getByLabel("Sort by").selectOption("Original order");
      await app.openTask("keep-the-space");
      await examine(app.page, "4-open-task");
      await app.openJson();
      await app.editor.fill('{"key":"Not A Key!"}');
      await expect(app.page.getByRole("list", { name: /violations$/ })).toBeVisible();
      await examine(app.page, "4-invalid-task");
      await app.press("Restore original text");
      await app.page.getByRole("tab", { name: "Changes" }).click();
      await examine(app.page, "5-changes");
      await app.closeTask();
      await app.approveAll(3);
      await examine(app.page, "6-approved");
      await app.press("Archive this run");
      await expect(app.dialog("Leave this run?")).toBeVisible();
      await examine(app.page, "6b-leaving");
      await app.dialog("Leave this run?").getByRole("button", { name: "Cancel" }).click();
      await app.foot.getByRole("button", { name: /^Post 3 tasks/ }).click();
      await examine(app.page, "7-confirmation");
      await app.dialog("Post 3 tasks?").getByRole("button", { name: /^Post 3 tasks/ }).click();
      await expect(app.field("Agent token")).toHaveAccessibleDescription(/Enter the agent token\./);
      await expect(app.field("Agent token")).toBeFocused();
      await examine(app.page, "8-token");
      await app.enterToken(server.host, "wrong");
      await expect(app.field("Agent token")).toHaveAccessibleDescription(/rejected the agent token/);
      await examine(app.page, "9-token-refused");
      await app.enterToken(server.host, "of-this-test");
      await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
      await examine(app.page, "10-delivered");
      await app.openTask("keep-the-order");
      await app.deliveryTab();
      await examine(app.page, "11-delivery");
      await app.closeTask();
      await app.settings();
      await examine(app.page, "12-settings");
      await app.page.keyboard.press("Escape");
      const list = await app.runs();
      await expect(list).toContainText("3 delivered");
      await examine(app.page, "13-runs");
      await list.getByRole("button", { name: /^Rename / }).click();
      await list.getByRole("button", { name: "Delete all data…" }).click();
      await examine(app.page, "14-runs-questions");
    });

    test("the states of a delivery that is paused", async ({ world, app, complaints }) => {
      complaints.allow(NO_RESPONSE);
      const server = await world.liveServer({
        script: "exact-text",
        tasks: world.testbed.plain("drop", world.tag),
      });
      await app.open(server.address);
      const view = app.page.getByRole("navigation", { name: "View" });
      const toBrief = view.getByRole("button", { name: "Brief" });
      if (await toBrief.isVisible()) await toBrief.click();
      await app.press("Import tasks…");
      const pasted = ["a", "b", "c"].map((key) => ({
        key,
        title: `Do ${key}`,
        instructions: "As the others.",
        priority: "normal",
        depends_on: key === "b" ? ["c"] : [],
      }));
      await app.dialog("Import tasks").getByRole("textbox").fill(JSON.stringify(pasted));
      await app.dialog("Import tasks").getByRole("button", { name: "Import 3 tasks" }).click();
      await app.press("Approve a");
      await app.press("Approve b");
      await app.foot.getByRole("button", { name: /^Post 2 tasks/ }).click();
      await expect(app.page.getByText("1 of them depends on tasks")).toBeVisible();
      await examine(app.page, "1-will-wait");
      await app.dialog("Post 2 tasks?").getByRole("button", { name: /^Post 2 tasks/ }).click();
      await app.enterToken(world.testbed.host, "changeme");
      await expect(app.foot).toContainText("this page sees no response to the first task");
      await app.openTask("a");
      await examine(app.page, "2-unconfirmed");
      await app.press("Mark as delivered");
      await app.closeTask();
      await app.press("Resume posting");
      await expect(app.foot).toContainText("the remaining tasks wait for others");
      await examine(app.page, "3-waiting-for-others");
      await app.openTask("b");
      await examine(app.page, "4-blocked-task");
      await app.closeTask();
      await app.press("Export receipts…");
      await examine(app.page, "5-receipts");
      await app.page.keyboard.press("Escape");

      const other = await app.page.context().newPage();
      await other.goto(server.address);
      await expect(other.getByText(/^This tab is read-only/)).toBeVisible();
      await examine(other, "6-read-only");
    });

    test("the states after errors", async ({ world, app }) => {
      const server = await world.liveServer({ script: "cut-off" });
      await app.open(server.address);
      await app.fillBrief({ goal: "Sort the letters", count: "8" });
      await app.generate();
      await expect(app.heading(/^Cut off after/)).toBeVisible();
      await examine(app.page, "1-cut-off");
      await app.press("Archive this run");
      const link = `${server.address}/?host=https://tasks.example.com&token=x`;
      await app.page.goto(link);
      await expect(app.dialog("Use the task server from this link?")).toBeVisible();
      await examine(app.page, "2-new-host");
      await app.press("Do not use it");
      await server.preset("{ not JSON");
      await app.page.goto(link);
      await expect(app.heading(/config\.json cannot be used/)).toBeVisible();
      await expect(app.heading(/contains a secret/)).toBeVisible();
      await examine(app.page, "3-problems");
    });
  });
}

/** Presses Tab until a control has the focus. */
async function tabTo(page: Page, control: Locator): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    if (await control.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`80 presses of Tab did not reach ${control}`);
}

test("the way from a brief to delivered tasks works by keyboard alone", async ({ world, app, page }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to tasks" })).toBeFocused();
  await tabTo(page, app.field("Goal"));
  await page.keyboard.type("Sort the letters");
  await tabTo(page, app.field("Number of tasks"));
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("3");
  await page.keyboard.press("Enter");
  await expect(app.heading("Complete: 3 tasks, all valid")).toBeVisible();

  const rows = app.tasks.getByRole("button", { name: /^Keep the / });
  await tabTo(page, rows.first());
  await page.keyboard.press("a");
  await expect(app.tasks.first()).toContainText("Approved");
  await page.keyboard.press("ArrowDown");
  await expect(rows.nth(1)).toBeFocused();
  await page.keyboard.press("r");
  await expect(app.tasks.nth(1)).toContainText("Rejected");
  await page.keyboard.press("j");
  await page.keyboard.press("e");
  await expect(app.editor).toBeFocused();
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.type('"due":"2027-01-31",');
  await page.keyboard.press("Escape");
  await expect(rows.nth(2)).toBeFocused();
  await page.keyboard.press("a");
  await expect(app.tasks.nth(2)).toContainText("Approved");

  await tabTo(page, app.foot.getByRole("button", { name: /^Post 2 tasks/ }));
  await page.keyboard.press("Enter");
  await expect(app.dialog("Post 2 tasks?")).toBeVisible();
  await expect(app.field("Agent token")).toBeFocused();
  await page.keyboard.type("changeme");
  await page.keyboard.press("Enter");
  await expect(app.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  const texts = (await server.tasks()).map((task) => task.text);
  expect(texts).toHaveLength(2);
  expect(texts[1]).toMatch(/^\{"due":"2027-01-31","key":"keep-the-space"/);
});

test("Escape closes a dialog and returns the focus to the control that opened it", async ({
  world,
  app,
  page,
}) => {
  const server = await world.taskServer();
  await app.open(server.address, /^Dry run —/);
  const opener = app.button("Settings");
  await tabTo(page, opener);
  await page.keyboard.press("Enter");
  await expect(app.dialog(/^Settings: /)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(app.dialog(/^Settings: /)).toBeHidden();
  await expect(opener).toBeFocused();
});

test("the mode is shown as text, and the end of posting is announced", async ({ world, app, page }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address, "Live → Test bench");
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.postWithDefaultToken(3, server.host);
  await expect(page.getByRole("status").filter({ hasText: "Posting ended. 3 tasks: 3 delivered." })).toBeAttached();
});
