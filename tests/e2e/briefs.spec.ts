// Saved briefs: names, versions, variables, export and import.
import { readFile } from "node:fs/promises";

import { expect, test } from "./world.ts";

const GOAL = "Migrate {{service}} to {{target version}}";

test("a brief with variables is saved, filled in and used by keyboard, and nothing typed is lost", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const { keyboard } = app.page;
  await app.fillBrief({ goal: GOAL, context: "We run {{service}} in three regions.", count: "5" });
  await app.button("Saved briefs…").focus();
  await keyboard.press("Enter");
  const dialog = app.dialog("Saved briefs");
  await expect(dialog.getByText("There are no saved briefs yet.")).toBeVisible();
  await expect(dialog.getByRole("textbox", { name: "Save this brief as" })).toBeFocused();
  await keyboard.type("Migration");
  await keyboard.press("Enter");
  await expect(dialog.getByRole("status")).toContainText("Saved as “Migration”.");
  await keyboard.press("Escape");
  await expect(dialog).toBeHidden();

  await app.page.reload();
  await app.loaded();
  await app.fillBrief({ goal: "Sort the letters", context: "", count: "2" });
  await app.press("Saved briefs…");
  await dialog.getByRole("button", { name: "Use Migration" }).focus();
  await keyboard.press("Enter");
  await expect(dialog.getByRole("textbox", { name: "Service" })).toBeFocused();
  await keyboard.type("billing");
  await keyboard.press("Enter");
  await expect(dialog.getByRole("textbox", { name: "Target version" })).toBeFocused();
  await keyboard.type("Postgres 17");
  await keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await app.expectBrief({
    goal: "Migrate billing to Postgres 17",
    context: "We run billing in three regions.",
    count: "5",
  });
  await expect(app.page.locator(".toast")).toContainText(
    "“Migration” is in the form. Your previous text is saved as “Sort the letters”.",
  );
  await app.press("Undo");
  await app.expectBrief({ goal: "Sort the letters", context: "", count: "2" });
  await app.page.reload();
  await app.expectBrief({ goal: "Sort the letters", count: "2" });
});

test("earlier versions stay, and briefs are renamed, deleted and restored", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const dialog = app.dialog("Saved briefs");
  const name = dialog.getByRole("textbox", { name: "Save this brief as" });
  for (const goal of ["First wording", "Second wording"]) {
    await app.fillBrief({ goal });
    await app.press("Saved briefs…");
    await name.fill("Weekly");
    await name.press("Enter");
    await app.page.keyboard.press("Escape");
  }
  await app.press("Saved briefs…");
  await expect(dialog.getByText("Second wording")).toBeVisible();
  await dialog.getByRole("combobox", { name: "Version of Weekly" }).selectOption({ index: 1 });
  await expect(dialog.getByText("First wording")).toBeVisible();
  await dialog.getByRole("button", { name: "Rename Weekly" }).click();
  await dialog.getByRole("textbox", { name: "Name", exact: true }).fill("Every week");
  await dialog.getByRole("button", { name: "Rename", exact: true }).click();
  await dialog.getByRole("button", { name: "Delete Every week" }).click();
  await expect(dialog.getByText("There are no saved briefs yet.")).toBeVisible();
  await dialog.getByRole("button", { name: "Undo the deletion" }).click();
  await dialog.getByRole("combobox", { name: "Version of Every week" }).selectOption({ index: 1 });
  await dialog.getByRole("button", { name: "Use Every week" }).click();
  await app.expectBrief({ goal: "First wording" });
});

test("choosing another version closes the fields for the variables of the first one", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const dialog = app.dialog("Saved briefs");
  const name = dialog.getByRole("textbox", { name: "Save this brief as" });
  for (const goal of ["Open a shop in {{region}}", "Close the shop {{shop}}"]) {
    await app.fillBrief({ goal });
    await app.press("Saved briefs…");
    await name.fill("Shops");
    await name.press("Enter");
    await expect(name).toHaveValue("");
    await app.page.keyboard.press("Escape");
  }
  await app.press("Saved briefs…");
  const use = dialog.getByRole("button", { name: "Use Shops" });
  await use.click();
  await expect(dialog.getByRole("textbox", { name: "Shop", exact: true })).toBeFocused();
  await dialog.getByRole("combobox", { name: "Version of Shops" }).selectOption({ index: 1 });
  await expect(dialog.getByRole("textbox", { name: "Shop", exact: true })).toHaveCount(0);
  await use.click();
  await dialog.getByRole("textbox", { name: "Region" }).fill("the north");
  await dialog.getByRole("button", { name: "Use these values" }).click();
  await app.expectBrief({ goal: "Open a shop in the north" });
});

test("exported briefs are imported by another browser, and what cannot be read is left alone", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.fillBrief({ goal: GOAL });
  const dialog = app.dialog("Saved briefs");
  const status = dialog.getByRole("status");
  await app.press("Saved briefs…");
  await dialog.getByRole("textbox", { name: "Save this brief as" }).fill("Migration");
  await dialog.getByRole("button", { name: "Save brief" }).click();
  const [download] = await Promise.all([
    app.page.waitForEvent("download"),
    dialog.getByRole("button", { name: "Export all" }).click(),
  ]);
  const file = await readFile(await download.path());
  await app.page.evaluate(() => localStorage.removeItem("taskwright.briefs"));
  await app.page.reload();
  await app.loaded();
  await app.press("Saved briefs…");
  const input = dialog.getByLabel("File with briefs");
  const choose = (buffer: Buffer) =>
    input.setInputFiles({ name: "briefs.json", mimeType: "application/json", buffer });
  await choose(Buffer.from("[]"));
  await expect(dialog.getByText("These are not saved briefs").first()).toBeVisible();
  await choose(file);
  await expect(status).toContainText("Added “Migration”.");
  await choose(file);
  await expect(status).toContainText("All briefs of the file are here already.");

  const newer = '{"taskwright_briefs":2,"briefs":[]}';
  await app.page.evaluate((text) => localStorage.setItem("taskwright.briefs", text), newer);
  await app.page.reload();
  await app.loaded();
  await app.press("Saved briefs…");
  await expect(dialog.getByText("The saved briefs of this browser cannot be read").first()).toBeVisible();
  await dialog.getByRole("textbox", { name: "Save this brief as" }).fill("Migration");
  await dialog.getByRole("button", { name: "Save brief" }).click();
  await expect(dialog.getByText("They are left unchanged.").first()).toBeVisible();
  expect(await app.page.evaluate(() => localStorage.getItem("taskwright.briefs"))).toBe(newer);
});
