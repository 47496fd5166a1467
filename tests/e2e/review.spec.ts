// The list of tasks by keyboard, and what is exported from it.
import { readFile } from "node:fs/promises";

import { examine } from "./examine.ts";
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

test("actions on tasks are undone and redone by keyboard, also after a reload", async ({ app, page }) => {
  await app.tasks.first().getByRole("button").first().focus();
  await page.keyboard.press("a");
  await page.keyboard.press("j");
  await page.keyboard.press("r");
  await page.keyboard.press("j");
  await page.keyboard.press("Delete");
  await expect(app.tasks).toHaveCount(2);
  await page.reload();
  await expect(app.tasks).toHaveCount(2);

  await page.keyboard.press("Control+z");
  await expect(app.tasks).toHaveCount(3);
  await expect(page.getByRole("status").filter({ hasText: "Undone: 1 task deleted" })).toHaveCount(1);
  await page.keyboard.press("Control+z");
  await expect(app.tasks.filter({ hasText: "Rejected" })).toHaveCount(0);
  await app.press("Undo: 1 task approved");
  await expect(app.tasks.filter({ hasText: "Ready" })).toHaveCount(3);

  // What is typed into a field has its own history.
  await page.getByRole("searchbox").fill("backup");
  await page.keyboard.press("Control+z");
  await expect(app.button("Redo: 1 task approved")).toBeVisible();
  await page.getByRole("searchbox").fill("");
  await app.heading("3 tasks").click();

  await page.keyboard.press("Control+Shift+z");
  await page.keyboard.press("Control+y");
  await expect(app.tasks.filter({ hasText: "Approved" })).toHaveCount(1);
  await expect(app.tasks.filter({ hasText: "Rejected" })).toHaveCount(1);
  await app.tasks.last().getByRole("button").first().focus();
  await page.keyboard.press("a");
  await expect(app.button("Nothing to redo")).toBeDisabled();
});

test("an edit of an approved task is undone as a whole, and the task is approved again by hand", async ({ app, page }) => {
  await app.openTask("first");
  await app.approveButton.click();
  await app.openTask("first");
  await app.openJson();
  await app.editor.focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type('{"key":"first"}');
  await app.press("Undo: 1 task edited");
  await expect(app.editor).toHaveValue(TEXTS[0]!);
  await expect(app.approveButton).toBeEnabled();
  // The text was restored without its approval, so no approval is left to undo.
  await expect(app.button("Undo: 3 tasks added")).toBeVisible();
});

test("selected tasks are deleted together and come back by undo", async ({ app, page }) => {
  await app.tasks.first().getByRole("button").first().focus();
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await app.press("Delete 2 selected");
  await expect(app.tasks).toHaveCount(1);
  await expect(app.heading("1 task")).toBeVisible();
  await examine(page, "deleted");
  await app.press("Undo");
  await expect(app.tasks).toHaveCount(3);
});

test("a task is written by hand and can be approved once it is valid", async ({ app, page }) => {
  await app.press("Add a task");
  await expect(app.tasks).toHaveCount(4);
  await expect(app.approveButton).toBeDisabled();
  await examine(page, "added");
  await app.openJson();
  await app.editor.fill('{"key":"by-hand","title":"Write it down","instructions":"Two lines.","priority":"low"}');
  await expect(app.approveButton).toBeEnabled();
});

test("a press opens its task even if the list moves before the button is released", async ({ app, page }) => {
  const row = app.task("second").getByRole("button").first();
  const { x, y } = (await row.boundingBox())!;
  await page.mouse.move(x + 20, y + 10);
  await page.mouse.down();
  await page.evaluate(() => {
    const banner = document.createElement("div");
    banner.style.blockSize = "44px";
    document.querySelector(".list-tools")!.before(banner);
  });
  await page.mouse.up();
  await expect(page.getByRole("heading", { name: "Prove that it restores" })).toBeVisible();

  // A drag is no press.
  await app.closeTask();
  await page.mouse.move(x + 20, y + 50);
  await page.mouse.down();
  await page.mouse.move(x + 60, y + 94);
  await page.mouse.up();
  await expect(app.button("Close task")).toHaveCount(0);
});

test("an action on many tasks is undone as a whole, also while it is still being applied", async ({
  world,
  app,
  page,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.press("Import tasks…");
  const texts = Array.from({ length: 1_200 }, (_, at) =>
    JSON.stringify({ key: `t-${at}`, title: `Task ${at}`, instructions: "Do it.", priority: "normal" }),
  );
  await app.field("Tasks as JSON").fill(texts.join("\n"));
  await app.press("Import 1,200 tasks");
  const approve = app.page.getByRole("button", { name: /^Approve 1,200 valid tasks/ });
  await expect(approve).toBeVisible();
  await approve.click();
  await page.keyboard.press("ControlOrMeta+z");
  const said = (text: string) => expect(page.getByRole("status").filter({ hasText: text })).toBeVisible();
  await said("Undone: 1,200 tasks approved");
  await expect(approve).toBeVisible();
  await app.button("Redo: 1,200 tasks approved").click();
  await said("Redone: 1,200 tasks approved");
  await expect(app.foot).toContainText("1,200 of 1,200 tasks approved");
  await app.button("Undo: 1,200 tasks approved").click();
  await app.button("Undo: 1,200 tasks added").click();
  await expect(page.getByRole("heading", { name: "All tasks are deleted" })).toBeVisible();
  await app.button("Redo: 1,200 tasks added").click();
  await expect(approve).toBeVisible();
});

test("a rejection with a reason is confirmed and cancelled by keyboard", async ({ world, app, page }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.tasks.first().getByRole("button").first().click();
  await page.keyboard.press("r");
  const reason = page.getByRole("textbox", { name: "Reason" });
  await expect(reason).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(app.button("Reject…")).toBeFocused();
  await page.keyboard.press("r");
  await page.keyboard.type("Not now");
  await page.keyboard.press("ControlOrMeta+Enter");
  await expect(app.tasks.first()).toContainText("Rejected");
});
