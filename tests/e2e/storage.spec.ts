// A browser that stores nothing: a private window without storage, or a full disk.
import type { Page } from "@playwright/test";

import { expect, statusLine, test } from "./world.ts";

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

/** Opens a page of the same origin that is not the application, for its storage. */
async function besideTheApplication(page: Page, address: string): Promise<Page> {
  const beside = await page.context().newPage();
  await beside.goto(`${address}/openapi.json`);
  return beside;
}

test("data of a newer version of the page is left alone", async ({ world, app, complaints }) => {
  // The other page has no icon.
  complaints.allow(statusLine(404));
  const server = await world.liveServer({ script: "exact-text" });
  const beside = await besideTheApplication(app.page, server.address);
  await beside.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const opening = indexedDB.open("taskwright", 99);
        opening.onupgradeneeded = () => opening.result.createObjectStore("future");
        opening.onsuccess = () => {
          opening.result.close();
          resolve();
        };
      }),
  );
  await app.open(server.address);
  await app.generateTasks(3);
  await expect(app.page.getByRole("alert")).toContainText(
    "a newer version of this page has stored data in this browser.",
  );
  const stores = await beside.evaluate(
    () =>
      new Promise((resolve) => {
        const opening = indexedDB.open("taskwright");
        opening.onsuccess = () => resolve([...opening.result.objectStoreNames]);
      }),
  );
  expect(stores).toEqual(["future"]);
});

test("an upgrade that another tab blocks happens once that tab is closed", async ({ world, app, complaints }) => {
  // The other page has no icon.
  complaints.allow(statusLine(404));
  const server = await world.liveServer({ script: "exact-text" });
  const beside = await besideTheApplication(app.page, server.address);
  await beside.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const opening = indexedDB.open("taskwright", 1);
        opening.onupgradeneeded = () => {
          for (const name of ["runs", "drafts"]) opening.result.createObjectStore(name);
        };
        // The connection stays open and ignores the upgrade.
        opening.onsuccess = () => resolve();
      }),
  );
  await app.open(server.address);
  await app.generateTasks(3);
  await expect(app.page.getByRole("alert")).toContainText("another tab has an older version of this page open.");
  await beside.close();
  await app.press("Approve keep-the-order");
  await expect(app.page.getByText(/another tab has an older version of this page open/)).toBeHidden();
  await app.page.reload();
  await expect(app.tasks).toHaveText([/Approved/, /Ready/, /Ready/]);
});

test("a run of an unreleased version is listed with the reason, and can be deleted", async ({
  world,
  app,
  complaints,
}) => {
  // The other page has no icon.
  complaints.allow(statusLine(404));
  const server = await world.liveServer({ script: "exact-text" });
  const beside = await besideTheApplication(app.page, server.address);
  await beside.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const opening = indexedDB.open("taskwright", 1);
        opening.onupgradeneeded = () => {
          const runs = opening.result.createObjectStore("runs");
          runs.put('{"version":1,"id":"0123","rung":"strict"}', "0123");
          opening.result.createObjectStore("drafts");
        };
        opening.onsuccess = () => {
          opening.result.close();
          resolve();
        };
      }),
  );
  await app.open(server.address);
  const list = await app.runs();
  await expect(list).toContainText(
    "This run cannot be opened: it was stored by an earlier, unreleased version of this page",
  );
  await list.getByRole("button", { name: "Delete for good" }).click();
  await expect(list).toContainText("There are no runs yet.");
});
