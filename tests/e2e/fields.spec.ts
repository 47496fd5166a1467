// Every field of a task in place, by keyboard: lists, optional fields, and JSON where no form fits.
import { examine } from "./examine.ts";
import { expect, test } from "./world.ts";

/** A task whose text is not in the usual form, so that a changed byte shows. */
const TEXT =
  '{ "key": "first", "title": "Take a backup",  "instructions": "Of the orders.", "priority": "high", ' +
  '"inputs": [{"name": "db", "value": "orders"}], "labels": ["a","b"] }';

for (const width of [360, 1280]) {
  test.describe(`at ${width} px`, () => {
    test.use({ viewport: { width, height: 800 } });

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
      /** Presses a button by keyboard, and waits for the frame in which the page moves the focus. */
      const press = async (name: string) => {
        await app.button(name).focus();
        await page.keyboard.press("Enter");
        await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
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

/** A schema whose target is a text or an address, and which allows further members. */
const SCHEMA = {
  type: "object",
  properties: {
    key: { type: "string" },
    title: { type: "string" },
    target: {
      oneOf: [
        { title: "Text", type: "string" },
        { title: "Address", type: "object", properties: { host: { type: "string" } }, required: ["host"] },
      ],
    },
  },
  required: ["key", "title"],
};

test("the kind of a value is changed, typed into at once, and a member of any name is added", async ({
  world,
  app,
  page,
}) => {
  const server = await world.liveServer({ script: "plain", schema: SCHEMA });
  await app.open(server.address);
  await app.press("Import tasks…");
  const dialog = app.dialog("Import tasks");
  await dialog.getByRole("textbox").fill('[{"key":"first",  "title":"T", "target":"db1"}]');
  await dialog.getByRole("button", { name: "Import 1 task" }).click();
  await app.openTask("first");
  await app.press("Edit Target");
  await app.press("Change kind of Target");
  await page.getByRole("combobox", { name: "Kind of Target" }).selectOption({ label: "Address" });
  await page.getByRole("button", { name: /^Save/ }).click();
  // Letters that are shortcuts elsewhere are text here.
  await page.keyboard.type("ear.example");
  await page.keyboard.press("Enter");
  await app.press("Add field to Task");
  await page.getByRole("textbox", { name: "Name of the new field of Task" }).fill("x-own");
  await app.press("Add the field to Task");
  await app.openJson();
  await expect(app.editor).toHaveValue(/^\{"key":"first",  "title":"T", "target":\{"host":"ear.example"\}, "x-own":/);
});

test("text that was typed into an approved task and not saved keeps the tasks from being posted", async ({
  world,
  app,
  page,
}) => {
  const server = await world.liveServer({ script: "plain", schema: SCHEMA });
  await app.open(server.address);
  await app.press("Import tasks…");
  const dialog = app.dialog("Import tasks");
  await dialog.getByRole("textbox").fill('[{"key":"first","title":"One"},{"key":"second","title":"Two"}]');
  await dialog.getByRole("button", { name: "Import 2 tasks" }).click();
  await app.approveAll(2);
  await app.openTask("first");
  await app.press("Edit Title");
  await page.keyboard.type(" and more");
  await app.closeTask();
  await expect(app.task("first")).toContainText("unsaved text");
  await app.foot.getByRole("button", { name: /^Post 2 tasks/ }).click();
  const confirmation = app.dialog("Post 2 tasks?");
  await examine(page, "unsaved");
  const post = confirmation.getByRole("button", { name: /^Post 2 tasks/ });
  await expect(post).toBeDisabled();
  await expect(post).toHaveAccessibleDescription(/Save or cancel the open edits/);
  await confirmation.getByRole("button", { name: "One" }).click();
  await page.keyboard.press("Tab");
  await page.getByRole("button", { name: /^Save/ }).click();
  await app.approveAll(1);
  await app.postWithDefaultToken(2, server.host);
  await expect(app.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  expect((await server.tasks()).map((task) => task.text)).toContain('{"key":"first","title":"One and more"}');
});
