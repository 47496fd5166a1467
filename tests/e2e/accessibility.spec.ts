// Usable by everyone: by keyboard alone, with a screen reader, in both colour schemes, on a narrow
// screen. Pictures of the main states are kept in results/ to be looked at.
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";

import { expect, NO_ANSWER, statusLine, test } from "./world.ts";

// Each of these looks at a dozen states; a busy machine takes its time for that.
test.describe.configure({ timeout: 180_000 });

/** Looks at the state that the page is in: no finding of axe, nothing to scroll sideways. */
async function examine(page: Page, state: string): Promise<void> {
  await page.screenshot({ path: test.info().outputPath(`${state}.png`) });
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  const findings = violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(" ")} (${node.failureSummary ?? ""})`),
  );
  expect.soft(findings, state).toEqual([]);
  const overhang = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect.soft(overhang, `pixels beyond the right edge, ${state}`).toBe(0);
}

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [360, 1280]) {
    test.describe(`${colorScheme} at ${width} px`, () => {
      test.use({ colorScheme, viewport: { width, height: 800 } });

      test("the states of the main job", async ({ world, desk, complaints }) => {
        complaints.allow(statusLine(401));
        const server = await world.liveServer({ script: "exact-text", tokens: "of-this-test" });
        await desk.open(server.address);
        await examine(desk.page, "1-first-visit");
        await desk.generate();
        await expect(desk.field("Goal")).toHaveAttribute("aria-invalid", "true");
        await examine(desk.page, "2-empty-brief");
        await desk.makeTasks(3);
        await examine(desk.page, "3-tasks");
        await desk.openTask("keep-the-space");
        await desk.editor.fill('{"key":"Not A Key!"}');
        await expect(desk.page.getByRole("list", { name: /violations$/ })).toBeVisible();
        await examine(desk.page, "4-invalid-task");
        await desk.press("Restore what was proposed");
        await desk.page.getByRole("tab", { name: "Changes" }).click();
        await examine(desk.page, "5-changes");
        await desk.closeTask();
        await desk.approveAll(3);
        await examine(desk.page, "6-approved");
        await desk.foot.getByRole("button", { name: /^Post 3 tasks/ }).click();
        await examine(desk.page, "7-confirmation");
        await desk.dialog("Post 3 tasks?").getByRole("button", { name: /^Post 3 tasks/ }).click();
        await examine(desk.page, "8-token");
        await desk.giveToken(server.host, "wrong");
        await expect(desk.field("Agent token")).toHaveAccessibleDescription(/did not accept/);
        await examine(desk.page, "9-token-refused");
        await desk.giveToken(server.host, "of-this-test");
        await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
        await examine(desk.page, "10-delivered");
        await desk.openTask("keep-the-order");
        await desk.deliveryTab();
        await examine(desk.page, "11-delivery");
        await desk.closeTask();
        await desk.settings();
        await examine(desk.page, "12-settings");
      });

      test("the states of a delivery that waits", async ({ world, desk, complaints }) => {
        complaints.allow(NO_ANSWER, statusLine(405));
        const server = await world.liveServer({
          script: "exact-text",
          tasks: world.testbed.plain("drop", world.tag),
        });
        await desk.open(server.address);
        const view = desk.page.getByRole("navigation", { name: "View" });
        if (await view.isVisible()) await view.getByRole("button", { name: "Brief" }).click();
        await desk.press("Paste tasks as JSON");
        const pasted = ["a", "b", "c"].map((key) => ({
          key,
          title: `Do ${key}`,
          instructions: "As the others.",
          priority: "normal",
          depends_on: key === "b" ? ["c"] : [],
        }));
        await desk.dialog("Paste tasks").getByRole("textbox").fill(JSON.stringify(pasted));
        await desk.dialog("Paste tasks").getByRole("button", { name: "Add 3 tasks" }).click();
        await desk.press("Approve a");
        await desk.press("Approve b");
        await desk.foot.getByRole("button", { name: /^Post 2 tasks/ }).click();
        await expect(desk.page.getByText("1 of them depends on tasks")).toBeVisible();
        await examine(desk.page, "1-will-wait");
        await desk.dialog("Post 2 tasks?").getByRole("button", { name: /^Post 2 tasks/ }).click();
        await desk.giveToken(world.testbed.host, "changeme");
        await expect(desk.foot).toContainText("the server is in trouble");
        await desk.openTask("a");
        await desk.press("Look it up on the server");
        await expect(desk.page.getByText(/the answer tells nothing/)).toBeVisible();
        await examine(desk.page, "2-unconfirmed");
        await desk.press("It arrived");
        await desk.closeTask();
        await desk.press("Resume posting");
        await expect(desk.foot).toContainText("the tasks that are left wait for others");
        await examine(desk.page, "3-waiting-for-others");
        await desk.openTask("b");
        await examine(desk.page, "4-what-it-waits-for");
        await desk.closeTask();
        await desk.press("Export receipts…");
        await examine(desk.page, "5-receipts");
        await desk.page.keyboard.press("Escape");

        const other = await desk.page.context().newPage();
        await other.goto(server.address);
        await expect(other.getByText(/^Another tab has this run/)).toBeVisible();
        await examine(other, "6-looking-on");
      });

      test("the states of what goes wrong", async ({ world, desk }) => {
        const server = await world.liveServer({ script: "cut-off" });
        await desk.open(server.address);
        await desk.write({ goal: "Sort the letters", count: "8" });
        await desk.generate();
        await expect(desk.heading(/^Cut off after/)).toBeVisible();
        await examine(desk.page, "1-cut-off");
        await desk.press("Put the run aside");
        await server.preset("{ not JSON");
        await desk.page.goto(`${server.address}/?host=https://tasks.example.com&token=x`);
        await expect(desk.dialog("A link wants to use this host")).toBeVisible();
        await examine(desk.page, "2-new-host");
        await desk.press("Do not use it");
        await expect(desk.heading(/config\.json cannot be used/)).toBeVisible();
        await expect(desk.heading(/holds a secret/)).toBeVisible();
        await examine(desk.page, "3-problems");
      });
    });
  }
}

/** Presses Tab until a control has the focus, as one does who has no mouse. */
async function tabTo(page: Page, control: Locator): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    if (await control.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`80 presses of Tab do not reach ${control}`);
}

test("the main job needs a keyboard and nothing else", async ({ world, desk, page }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the tasks" })).toBeFocused();
  await tabTo(page, desk.field("Goal"));
  await page.keyboard.type("Sort the letters");
  await tabTo(page, desk.field("How many tasks"));
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("3");
  await page.keyboard.press("Enter");
  await expect(desk.heading("Complete: 3 tasks, all valid")).toBeVisible();

  const rows = desk.tasks.getByRole("button", { name: /^Keep the / });
  await tabTo(page, rows.first());
  await page.keyboard.press("a");
  await expect(desk.tasks.first()).toContainText("Approved");
  await page.keyboard.press("ArrowDown");
  await expect(rows.nth(1)).toBeFocused();
  await page.keyboard.press("r");
  await expect(desk.tasks.nth(1)).toContainText("Rejected");
  await page.keyboard.press("j");
  await page.keyboard.press("e");
  await expect(desk.editor).toBeFocused();
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.type('"due":"2027-01-31",');
  await page.keyboard.press("Escape");
  await expect(rows.nth(2)).toBeFocused();
  await page.keyboard.press("a");
  await expect(desk.tasks.nth(2)).toContainText("Approved");

  await tabTo(page, desk.foot.getByRole("button", { name: /^Post 2 tasks/ }));
  await page.keyboard.press("Enter");
  await expect(
    desk.dialog("Post 2 tasks?").getByRole("button", { name: /^Post 2 tasks/ }),
  ).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(desk.field("Agent token")).toBeFocused();
  await page.keyboard.type("changeme");
  await page.keyboard.press("Enter");
  await expect(desk.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  const texts = (await server.tasks()).map((task) => task.text);
  expect(texts).toHaveLength(2);
  expect(texts[1]).toMatch(/^\{"due":"2027-01-31","key":"keep-the-space"/);
});

test("Escape closes a dialog and gives the focus back to what opened it", async ({
  world,
  desk,
  page,
}) => {
  const server = await world.taskServer();
  await desk.open(server.address, /^Dry run —/);
  const opener = desk.button("Settings");
  await tabTo(page, opener);
  await page.keyboard.press("Enter");
  await expect(desk.dialog(/^Settings of /)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(desk.dialog(/^Settings of /)).toBeHidden();
  await expect(opener).toBeFocused();
});

test("the mode is said in words, the end of posting is announced", async ({ world, desk, page }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address, "Live → Test bench");
  await desk.makeTasks(3);
  await desk.approveAll(3);
  await desk.postWithDefaultToken(3, server.host);
  await expect(page.getByRole("status").filter({ hasText: "Posting ended. Of 3 tasks: 3 delivered." })).toBeAttached();
});
