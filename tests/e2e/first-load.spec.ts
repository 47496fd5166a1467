// The brief can be typed before the module has arrived, and nothing of it is lost when the page takes
// over from the shell.
import type { Page } from "@playwright/test";

import { expect, test } from "./world.ts";

/** Holds back the module until the returned function is called. */
async function holdModule(page: Page): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/*.wasm", async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

/** The selection in a field, and whether it has the focus. */
const selection = (page: Page, label: string) =>
  page.getByLabel(label).evaluate((field) => {
    const { selectionStart, selectionEnd, selectionDirection, scrollTop } = field as HTMLTextAreaElement;
    return { selectionStart, selectionEnd, selectionDirection, scrollTop, hasFocus: field === document.activeElement };
  });

test("what was typed while the module was loading stays, with caret, selection and scroll position", async ({
  app,
  world,
}) => {
  const server = await world.taskServer();
  const release = await holdModule(app.page);
  await app.page.goto(server.address);
  await expect(app.modeBand).toHaveText("Starting…");
  const goal = app.page.getByLabel("Goal");
  await goal.pressSequentially("Line\n".repeat(30) + "Ship the search");
  await app.page.getByLabel(/^Context/).fill("Rust");
  await app.page.getByLabel("Number of tasks").fill("7");
  await goal.focus();
  for (let steps = 0; steps < 6; steps += 1) await goal.press("Shift+ArrowLeft");
  await goal.evaluate((field) => (field.scrollTop = 40));
  const before = await selection(app.page, "Goal");
  expect(before).toMatchObject({ selectionDirection: "backward", scrollTop: 40, hasFocus: true });

  release();
  await expect(app.modeBand).toHaveText(/^Dry run — /);
  await expect(app.button("Generate 7 tasks")).toBeEnabled();
  expect(await selection(app.page, "Goal")).toEqual(before);
  await expect(app.field("Goal")).toHaveValue(/Ship the search$/);
  await expect(app.field(/^Context/)).toHaveValue("Rust");
  // The selection is still there to type over.
  await app.page.keyboard.type("editor");
  await expect(app.field("Goal")).toHaveValue(/Ship the editor$/);
  await app.loaded();
});

test("every keystroke is stored before the module has arrived", async ({ app, world }) => {
  const server = await world.taskServer();
  await holdModule(app.page);
  await app.page.goto(server.address);
  await app.page.getByLabel("Goal").pressSequentially("Kept");
  await app.page.reload();
  await expect(app.page.getByLabel("Goal")).toHaveValue("Kept");
  await expect(app.page.getByLabel("Number of tasks")).toHaveValue("3");
});

test("Generate pressed early waits, says so, and starts once the page is ready", async ({ app, world }) => {
  const server = await world.taskServer();
  const release = await holdModule(app.page);
  await app.page.goto(server.address);
  await app.page.getByLabel("Goal").fill("Ship the search");
  await app.page.getByRole("button", { name: "Generate tasks" }).click();
  await expect(app.page.getByText(/Generation starts once it is ready/)).toBeVisible();
  release();
  await expect(app.tasks).toHaveCount(3);
});

test("an early Generate can be cancelled by pressing the button again", async ({ app, world }) => {
  const server = await world.taskServer();
  const release = await holdModule(app.page);
  await app.page.goto(server.address);
  await app.page.getByLabel("Goal").fill("Ship the search");
  const generate = app.page.getByRole("button", { name: "Generate tasks" });
  await generate.click();
  await generate.click();
  await expect(app.page.getByText(/Generation starts/)).toHaveCount(0);
  release();
  await expect(app.button("Generate 3 tasks")).toBeEnabled();
  await app.loaded();
  await expect(app.tasks).toHaveCount(0);
});

test("the page does not replace a field in which an input method is composing", async ({ app, world }) => {
  const server = await world.taskServer();
  const release = await holdModule(app.page);
  await app.page.goto(server.address);
  const goal = app.page.getByLabel("Goal");
  await goal.focus();
  await goal.dispatchEvent("compositionstart");
  release();
  await app.page.waitForFunction(() => performance.getEntriesByName("taskwright-ready").length > 0);
  await expect(app.modeBand).toHaveText("Starting…");
  await goal.pressSequentially("検索");
  await goal.dispatchEvent("compositionend");
  await expect(app.modeBand).toHaveText(/^Dry run — /);
  await expect(app.field("Goal")).toHaveValue("検索");
  await app.loaded();
});
