// What is in sight: dialogs that stay whole, a first view that holds the form and its button, and
// nothing that covers or moves what is being read.
import type { Locator } from "@playwright/test";

import { expect, test } from "./world.ts";

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The place of an element that is drawn. */
async function boxOf(element: Locator): Promise<Box> {
  const box = await element.boundingBox();
  if (!box) throw new Error(`${element} is not drawn`);
  return box;
}

for (const viewport of [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
  { width: 1440, height: 900 },
  { width: 1920, height: 1080 },
]) {
  test.describe(`at ${viewport.width} × ${viewport.height}`, () => {
    test.use({ viewport });

    test("the settings stay whole while one scrolls and chooses with the mouse", async ({ world, app }) => {
      const server = await world.liveServer({ script: "plain" });
      await app.open(server.address);
      const dialog = await app.settings();
      const title = dialog.getByRole("heading", { name: /^Settings: / });
      const before = await boxOf(title);
      const options = dialog.locator("label", { has: app.page.getByRole("radio") });
      for (const option of await options.all()) {
        const { x, y, width, height } = await boxOf(dialog);
        await app.page.mouse.move(x + width / 2, y + height / 2);
        await app.page.mouse.wheel(0, 2_000);
        await app.page.mouse.wheel(0, -300);
        await option.click();
        expect(await boxOf(title), "the title has not moved").toEqual(before);
        expect(await dialog.evaluate((element) => element.scrollTop)).toBe(0);
        await expect(dialog.getByRole("button", { name: "Save settings" })).toBeInViewport({ ratio: 1 });
      }
    });

    test("an error of the settings has the focus and is in sight", async ({ world, app }) => {
      const server = await world.liveServer({ script: "plain" });
      await app.open(server.address);
      const dialog = await app.settings();
      await dialog.getByText("Custom", { exact: true }).click();
      const schema = dialog.getByLabel("JSON Schema of one task");
      await schema.fill('{"type":"object","properties":{"owner":{"$ref":"#/components/schemas/Owner"}}}');
      await app.saveSettings();
      const error = dialog.locator(".field-error, .problem");
      await expect(error).toBeInViewport({ ratio: 1 });
      const foot = await boxOf(dialog.getByRole("button", { name: "Save settings" }));
      const shown = await boxOf(error);
      expect(shown.y + shown.height, "above the buttons").toBeLessThanOrEqual(foot.y);
      await expect(dialog.locator(":focus")).not.toHaveText("Save settings");
    });

    test("the first view holds the whole way to Generate", async ({ world, app }) => {
      const server = await world.liveServer({ script: "plain" });
      await app.open(server.address);
      await expect(app.button(/^Generate/)).toBeInViewport({ ratio: 1 });
      await expect(app.heading("Taskwright")).toBeInViewport();
      await expect(app.page.getByText("Brief", { exact: true }).filter({ visible: true })).toHaveCount(1);
    });

    test("an approval covers no task and, beside the tasks, leaves the brief as it is", async ({
      world,
      app,
    }) => {
      const server = await world.liveServer({ script: "exact-text" });
      await app.open(server.address);
      await app.generateTasks(3);
      const brief = app.page.getByRole("region", { name: "Brief" });
      const isBeside = await brief.isVisible();
      const before = isBeside ? await boxOf(brief) : undefined;
      await app.approveAll(3);
      await expect(app.foot).toBeVisible();
      const undo = await boxOf(app.button("Undo"));
      const list = await boxOf(app.page.getByRole("list", { name: "Tasks", exact: true }));
      expect(list.y + list.height, "the list ends above the line with Undo").toBeLessThanOrEqual(undo.y);
      expect((await boxOf(app.foot)).y).toBeGreaterThanOrEqual(undo.y + undo.height);
      if (before) expect(await boxOf(brief)).toEqual(before);
      await app.foot.getByRole("button", { name: /^Post 3 tasks/ }).click();
      await expect(app.page.getByText("3 tasks approved", { exact: true }), "nothing shows through a dialog").toBeHidden();
    });
  });
}
