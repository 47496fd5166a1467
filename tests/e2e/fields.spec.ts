// Every field of a task in place, by keyboard: lists, optional fields, and JSON where no form fits.
import { examine } from "./examine.ts";
import { expect, test } from "./world.ts";

/** A task whose text is not in the usual form, so that a changed byte shows. */
const TEXT =
  '{ "key": "first", "title": "Take a backup",  "instructions": "Of the orders.", "priority": "high", ' +
  '"inputs": [{"name": "db", "value": "orders"}], "labels": ["a","b"] }';

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [360, 1280]) {
    test.describe(`${colorScheme} at ${width} px`, () => {
      test.use({ colorScheme, viewport: { width, height: 800 } });

      test("fields are added, moved, removed and edited by keyboard", async ({ world, app, page }) => {
        test.setTimeout(120_000);
        const server = await world.liveServer({ script: "plain" });
        await app.open(server.address);
        const toBrief = page.getByRole("navigation", { name: "View" }).getByRole("button", { name: "Brief" });
        if (await toBrief.isVisible()) await toBrief.click();
        await app.press("Import tasks…");
        const dialog = app.dialog("Import tasks");
        await dialog.getByRole("textbox").fill(`[${TEXT}]`);
        await dialog.getByRole("button", { name: "Import 1 task" }).click();
        await app.openTask("first");
        const said = (text: string) => expect(page.getByRole("status").filter({ hasText: text })).toBeAttached();
        /** Presses a button by keyboard. */
        const press = async (name: string) => {
          await app.button(name).focus();
          await page.keyboard.press("Enter");
        };

        await press("Edit Labels");
        await expect(app.button("Add item to Labels")).toBeFocused();
        await examine(page, "1-tools-of-a-list");
        await page.keyboard.press("Enter");
        await said("Labels 3 added");
        await expect(page.getByRole("textbox", { name: "Labels 3" })).toBeFocused();
        await page.keyboard.type("new");
        await examine(page, "2-new-item");
        await page.keyboard.press("Enter");
        await press("Edit Labels 3");
        await press("Move up Labels 3");
        await said("Labels 3 moved up");
        await expect(app.button("Move up Labels 2")).toBeFocused();
        await page.keyboard.press("Enter");
        await expect(app.button("Move down Labels 1")).toBeFocused();
        await press("Cancel editing Labels 1");
        await press("Edit Labels 2");
        await press("Remove Labels 2");
        await said("Labels 2 removed");

        await press("Add field to Task");
        const list = page.getByRole("combobox", { name: "New field of Task" });
        await expect(list).toBeFocused();
        await page.keyboard.type("Due");
        await expect(list).toHaveValue("=due");
        await examine(page, "3-new-field");
        await press("Add the field to Task");
        await said("Due added");
        await expect(app.sheet.getByLabel("Due", { exact: true })).toBeFocused();
        await app.sheet.getByLabel("Due", { exact: true }).fill("2027-01-31");
        await examine(page, "4-date");
        await page.keyboard.press("Enter");
        await expect(app.sheet).toContainText("2027-01-31");

        await press("Edit Inputs");
        await press("Edit Inputs as JSON");
        const json = page.getByRole("textbox", { name: "Inputs as JSON" });
        await expect(json).toHaveValue('[{"name": "db", "value": "orders"}]');
        await json.fill("[{]");
        await page.keyboard.press("ControlOrMeta+Enter");
        await expect(json).toHaveAccessibleDescription(/not one JSON value/);
        await examine(page, "5-json");
        await json.fill('[{"name": "db",   "value": "all"}]');
        await page.keyboard.press("ControlOrMeta+Enter");
        await expect(json).toBeHidden();
        await examine(page, "6-edited");

        await app.openJson();
        await expect(app.editor).toHaveValue(
          TEXT.replace('["a","b"]', '["new","b"]')
            .replace('"orders"}', '"all"}')
            .replace('"db", ', '"db",   ')
            .replace("] }", '], "due": "2027-01-31" }'),
        );
      });
    });
  }
}
