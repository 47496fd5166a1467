// The list of tasks by keyboard, and what is exported from it.
import { readFile } from "node:fs/promises";

import { expect, test } from "./world.ts";

/** Tasks whose texts are not in the usual form, so that a changed byte shows. */
const TEXTS = [
  '{"key":"first", "title":"Take a backup",  "instructions":"Of the orders.", "priority":"high"}',
  '{"key":"second","title":"Prove that it restores","instructions":"Line one.\\nLine two.","priority":"low", "depends_on":["first"]}',
  '{ "key": "third", "title": "Switch the reads", "instructions": "x", "priority": "high" }',
];

test.beforeEach(async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.press("Import tasks…");
  const dialog = app.dialog("Import tasks");
  await dialog.getByRole("textbox").fill(`[${TEXTS.join(",")}]`);
  await dialog.getByRole("button", { name: "Import 3 tasks" }).click();
  await expect(app.tasks).toHaveCount(3);
});

test("tasks are selected and rejected together by keyboard, and the rejection is undone", async ({ app, page }) => {
  await app.tasks.first().getByRole("button").first().focus();
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await expect(page.getByText("2 selected", { exact: true })).toBeVisible();
  const reject = page.getByRole("button", { name: "Reject 2 selected tasks…" });
  await reject.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("Done already");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(app.tasks.filter({ hasText: "Rejected" })).toHaveCount(2);
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await expect(app.tasks.filter({ hasText: "Rejected" })).toHaveCount(0);
});

test("a copy of a task has a key of its own, is opened, and leaves the other bytes alone", async ({ app, page }) => {
  await app.openTask("second");
  await app.press("Duplicate task");
  await expect(app.tasks).toHaveCount(4);
  await expect(app.button("Duplicate task")).toBeVisible();
  await app.openJson();
  await expect(app.editor).toHaveValue(TEXTS[1]!.replace('"key":"second"', '"key":"second-2"'));
  await page.reload();
  await expect(app.tasks).toHaveCount(4);
});

test("what is exported as JSON has the exact texts and can be imported again", async ({ app, page }) => {
  const save = async (format: string) => {
    await app.press("Export tasks…");
    const dialog = app.dialog("Export 3 tasks");
    await dialog.getByRole("radio", { name: new RegExp(`^${format}`) }).check();
    const downloading = page.waitForEvent("download");
    await dialog.getByRole("button", { name: "Save file" }).click();
    const download = await downloading;
    await expect(dialog.getByText(`Saved as ${download.suggestedFilename()}`)).toBeVisible();
    await dialog.getByText("Close", { exact: true }).click();
    return readFile(await download.path(), "utf8");
  };
  const json = await save("JSON The exact");
  expect(json).toBe(`[\n${TEXTS.join(",\n")}\n]\n`);
  expect(await save("JSON Lines")).toBe(`${TEXTS.join("\n")}\n`);
  expect(await save("Markdown")).toContain("## Prove that it restores\n\n**Key:** second\n");
  const csv = await save("CSV");
  expect(csv.split("\r\n")[0]).toBe("key,title,instructions,priority,depends_on");

  await app.press("Archive this run");
  await app.press("Import tasks…");
  const dialog = app.dialog("Import tasks");
  await dialog.getByRole("textbox").fill(json);
  await dialog.getByRole("button", { name: "Import 3 tasks" }).click();
  expect(await app.texts()).toEqual(TEXTS);
});

test("the brief is folded while a task is read, and stays as the operator unfolded it", async ({ app, page }) => {
  await page.setViewportSize({ width: 1280, height: 800 });
  const goal = app.field("Goal");
  await expect(goal).toBeVisible();
  await app.openTask("first");
  await expect(goal).toBeHidden();
  await page.getByRole("button", { name: /^Show brief/ }).click();
  await expect(goal).toBeVisible();
  await app.closeTask();
  await app.openTask("second");
  await expect(goal).toBeVisible();
  await page.getByRole("button", { name: "Hide brief" }).click();
  await expect(goal).toBeHidden();
  await app.closeTask();
  await expect(goal).toBeVisible();
});
