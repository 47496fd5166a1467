// A browser that stores nothing: a private window without storage, or a full disk.
import { expect, test } from "./world.ts";

test("without storage the confirmation warns, and nothing is sent until the operator continues without a journal", async ({
  world,
  app,
}) => {
  await app.page.addInitScript(() => {
    Object.defineProperty(window, "indexedDB", { value: null });
  });
  const server = await world.liveServer({ script: "exact-text", tokens: "of-this-test" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  const label = `Post 3 tasks to ${server.host}`;
  await app.foot.getByRole("button", { name: label }).click();
  const confirmation = app.dialog("Post 3 tasks?");
  await expect(confirmation.getByRole("alert")).toContainText("cannot store the journal");
  await confirmation.getByRole("button", { name: label }).click();
  await app.enterToken(server.host, "of-this-test");
  const continueButton = app.button("Continue without a journal…");
  await expect(continueButton).toBeVisible();
  expect(await server.tasks(), "nothing was sent").toEqual([]);

  await continueButton.click();
  await app.dialog("Continue without a journal?").getByRole("button", { name: "Continue without a journal" }).click();
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("a full disk pauses posting, and each task is stored once when there is space again", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text", tokens: "of-this-test" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.page.evaluate(() => {
    const store = IDBObjectStore.prototype;
    const put = store.put;
    store.put = () => {
      throw new DOMException("The disk is full.", "QuotaExceededError");
    };
    Object.assign(window, { freeSpace: () => (store.put = put) });
  });
  await app.post(3, server.host);
  await app.enterToken(server.host, "of-this-test");
  await expect(app.button("Continue without a journal…")).toBeVisible();
  expect(await server.tasks(), "nothing was sent").toEqual([]);

  await app.page.evaluate(() => (window as unknown as { freeSpace(): void }).freeSpace());
  await app.press("Resume posting");
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const stored = await server.tasks();
  expect(new Set(stored.map((task) => task.id)).size).toBe(3);
  expect(stored).toHaveLength(3);
});
