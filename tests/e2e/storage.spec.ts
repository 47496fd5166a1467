// Where the browser keeps nothing: a private window without storage, a disk that fills up.
import { expect, test } from "./world.ts";

test("where there is no storage it is said before posting, and nothing leaves until the operator goes on without a journal", async ({
  world,
  desk,
}) => {
  await desk.page.addInitScript(() => {
    Object.defineProperty(window, "indexedDB", { value: null });
  });
  const server = await world.liveServer({ script: "exact-text", tokens: "of-this-test" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  const words = `Post 3 tasks to ${server.host}`;
  await desk.foot.getByRole("button", { name: words }).click();
  const question = desk.dialog("Post 3 tasks?");
  await expect(question.getByRole("alert")).toContainText("Nothing can be written down");
  await question.getByRole("button", { name: words }).click();
  await desk.giveToken(server.host, "of-this-test");
  const goOn = desk.button("Go on without a journal…");
  await expect(goOn).toBeVisible();
  expect(await server.tasks(), "nothing has left").toEqual([]);

  await goOn.click();
  await desk.dialog("Go on without a journal?").getByRole("button", { name: "Go on without a journal" }).click();
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("a disk that fills up pauses posting, and each task is there once when there is room again", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text", tokens: "of-this-test" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  await desk.page.evaluate(() => {
    const store = IDBObjectStore.prototype;
    const put = store.put;
    store.put = () => {
      throw new DOMException("There is no room.", "QuotaExceededError");
    };
    Object.assign(window, { makeRoom: () => (store.put = put) });
  });
  await desk.post(3, server.host);
  await desk.giveToken(server.host, "of-this-test");
  await expect(desk.button("Go on without a journal…")).toBeVisible();
  expect(await server.tasks(), "nothing has left").toEqual([]);

  await desk.page.evaluate(() => (window as unknown as { makeRoom(): void }).makeRoom());
  await desk.press("Resume posting");
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const stored = await server.tasks();
  expect(new Set(stored.map((task) => task.id)).size).toBe(3);
  expect(stored).toHaveLength(3);
});
