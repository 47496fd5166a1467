// The runs in this browser: none is ever out of reach, and none is lost without a question.
import type { Locator } from "@playwright/test";

import { AppPage } from "./app-page.ts";
import { everythingKept } from "./browser-storage.ts";
import { DEFAULT_TOKEN } from "./servers.ts";
import { expect, test } from "./world.ts";

/** A run in the list, by its name. */
const entry = (list: Locator, name: string): Locator =>
  list.getByRole("listitem").filter({ has: list.page().getByRole("heading", { name, exact: true }) });

test("generating again asks before it leaves approved tasks, and the earlier run stays in the list", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3, "The first brief");
  await app.press("Approve keep-the-order");
  await app.press("Approve keep-the-digits");
  await app.fillBrief({ goal: "The second brief" });
  await app.generate();
  const question = app.dialog("Leave this run?");
  await expect(question).toContainText("Not finished: 2 approved tasks.");
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(app.tasks).toHaveText([/Approved/, /Approved/, /Ready/]);

  await app.generate();
  await question.getByRole("button", { name: "Leave run" }).click();
  await expect(app.heading("Complete: 3 tasks, all valid")).toBeVisible();
  await expect(app.tasks).toHaveText([/Ready/, /Ready/, /Ready/]);

  const list = await app.runs();
  await expect(entry(list, "The second brief")).toContainText("On this page");
  const first = entry(list, "The first brief");
  await expect(first).toContainText("Live");
  await expect(first).toContainText("Test bench");
  await expect(first).toContainText("2 approved");
  await first.getByRole("button", { name: "Open The first brief" }).click();
  await expect(app.tasks).toHaveText([/Approved/, /Approved/, /Ready/]);
  await app.page.reload();
  await expect(app.tasks).toHaveText([/Approved/, /Approved/, /Ready/]);
});

test("a run is renamed, archived, restored and deleted from the list", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3, "The first brief");
  await app.generateTasks(3, "The second brief");
  const list = await app.runs();
  await list.getByRole("button", { name: "Rename The first brief" }).click();
  await expect(list.getByRole("textbox", { name: "Name" })).toBeFocused();
  await list.getByRole("textbox", { name: "Name" }).fill("Audit 2026");
  await app.page.keyboard.press("Enter");
  await expect(entry(list, "Audit 2026")).toBeVisible();

  await list.getByRole("button", { name: "Archive Audit 2026" }).click();
  await list.getByText("Archive: 1 run").click();
  await expect(list.getByRole("list", { name: "Archived runs" })).toContainText("Audit 2026");
  await list.getByRole("button", { name: "Take out of the archive: Audit 2026" }).click();
  await expect(list.getByText("Archive: 1 run")).toBeHidden();

  await list.getByRole("button", { name: "Delete Audit 2026" }).click();
  await expect(entry(list, "Audit 2026")).toBeHidden();
  await list.getByRole("button", { name: "Undo" }).click();
  await expect(entry(list, "Audit 2026")).toBeVisible();
  await list.getByRole("button", { name: "Delete Audit 2026" }).click();
  await expect(entry(list, "Audit 2026")).toBeHidden();
  await app.page.reload();
  await expect(app.tasks).toHaveCount(3);
  await expect.poll(() => everythingKept(app.page)).not.toContain("The first brief");
});

test("each tab remembers its own run", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3, "The first brief");
  await app.press("Approve keep-the-order");
  const other = await app.anotherTab(server.address);
  await other.generateTasks(3, "The second brief");
  await app.page.reload();
  await expect(app.tasks).toHaveText([/Approved/, /Ready/, /Ready/]);
  await expect(app.page.getByText(/^This tab is read-only/)).toBeHidden();
  await other.page.reload();
  await expect(other.tasks).toHaveText([/Ready/, /Ready/, /Ready/]);
});

test("a read-only tab takes a run over, and the other tab becomes read-only", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  const other = await app.anotherTab(server.address);
  await other.press("Take over this run from the other tab");
  await expect(other.page.getByText(/^This tab is read-only/)).toBeHidden();
  await expect(app.page.getByText(/^This tab is read-only/)).toBeVisible();
  await other.postWithDefaultToken(3, server.host);
  await expect(other.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("a read-only tab writes no record", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  const other = new AppPage(await app.page.context().newPage());
  await other.page.addInitScript(() => {
    const put = IDBObjectStore.prototype.put;
    Object.assign(window, { written: 0 });
    IDBObjectStore.prototype.put = function (...args) {
      (window as unknown as { written: number }).written += 1;
      return put.apply(this, args);
    };
  });
  await other.open(server.address);
  await expect(other.page.getByText(/^This tab is read-only/)).toBeVisible();
  await app.approveAll(3);
  await expect(other.tasks).toHaveText([/Approved/, /Approved/, /Approved/]);
  await app.postWithDefaultToken(3, server.host);
  await expect(other.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await other.page.evaluate(() => (window as unknown as { written: number }).written)).toBe(0);
});

test("no record is written before the browser has granted the lock of a new run", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.page.addInitScript(() => {
    const waiting: (() => void)[] = [];
    Object.assign(window, { written: 0, grant: () => waiting.forEach((go) => go()) });
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (...args) {
      (window as unknown as { written: number }).written += 1;
      return put.apply(this, args);
    };
    const request = LockManager.prototype.request as (...args: unknown[]) => Promise<unknown>;
    LockManager.prototype.request = async function (...args: unknown[]) {
      await new Promise<void>((go) => waiting.push(go));
      return request.apply(this, args);
    };
  });
  await app.open(server.address);
  const written = () =>
    app.page.evaluate(() => (window as unknown as { written: number }).written);
  await app.generateTasks(3);
  expect(await written()).toBe(0);
  await app.page.evaluate(() => (window as unknown as { grant: () => void }).grant());
  await expect.poll(written).toBeGreaterThan(0);
});

test("if the database is deleted while a run is open, the run is stored again and the page says so", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.page.evaluate(
    () =>
      new Promise((resolve) => {
        indexedDB.deleteDatabase("taskwright").onsuccess = resolve;
      }),
  );
  await app.postWithDefaultToken(3, server.host);
  await expect(app.heading("The browser deleted what this page had stored")).toBeVisible();
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  await app.page.reload();
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

/** Makes the browser refuse locks, so that nothing keeps two tabs apart. */
async function refuseLocks(app: AppPage): Promise<void> {
  await app.page.addInitScript(() => {
    navigator.locks.request = () => Promise.reject(new DOMException("Denied.", "SecurityError"));
  });
}

test("where the browser refuses locks, the page says so and posts to a server that honours keys", async ({
  world,
  app,
}) => {
  await refuseLocks(app);
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  await app.open(server.address);
  await app.generateTasks(3);
  await expect(app.heading("This browser cannot keep two tabs of this page apart")).toBeVisible();
  await app.approveAll(3);
  await app.postWithDefaultToken(3, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
});

test("without locks and keys, the page asks before it posts tasks that could arrive twice", async ({
  world,
  app,
}) => {
  await refuseLocks(app);
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.press("Approve keep-the-order");
  await app.post(1, server.host);
  const question = app.dialog("Post from this tab only?");
  await expect(question).toContainText("the task server gets the same tasks twice");
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(question).toBeHidden();
  await expect(app.task("keep-the-order")).toContainText("Approved");
  expect(await server.tasks()).toEqual([]);

  // Consent is for this run, until the page is reloaded.
  await app.post(1, server.host);
  await question.getByRole("button", { name: "Post from this tab" }).click();
  await app.enterToken(server.host, DEFAULT_TOKEN);
  await expect(app.heading(`Posted to ${server.host}: 1 delivered`)).toBeVisible();
  await app.approveAll(2);
  await app.post(2, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("deleting all data leaves nothing in the browser", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3, "A confidential brief");
  const list = await app.runs();
  await list.getByRole("button", { name: "Delete all data…" }).click();
  await list.getByRole("button", { name: "Delete all data", exact: true }).click();
  await expect(list).toContainText("All data of this page was deleted.");
  await expect(list).toContainText("There are no runs yet.");
  expect(await everythingKept(app.page)).not.toContain("A confidential brief");
  await app.page.reload();
  await expect(app.tasks).toHaveCount(0);
  await app.expectBrief({ goal: "" });
});

test("all data stays, and so does the page, while another tab has a run", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3, "The first brief");
  const other = await app.anotherTab(server.address);
  await other.generateTasks(3, "The second brief");
  await app.press("Approve keep-the-order");
  const list = await app.runs();
  await list.getByRole("button", { name: "Delete all data…" }).click();
  await list.getByRole("button", { name: "Delete all data", exact: true }).click();
  await expect(app.heading("Nothing was deleted, because another tab is using a run")).toBeVisible();
  await app.closeRuns();
  await expect(app.tasks).toHaveText([/Approved/, /Ready/, /Ready/]);
  await app.press("Approve keep-the-digits");
  await expect(app.foot).toContainText("2 of 3 tasks approved");
  // Reading the store waits for what is being written.
  await everythingKept(app.page);
  await app.page.reload();
  await expect(app.tasks).toHaveText([/Approved/, /Approved/, /Ready/]);

  // Another tab that only shows the run of this one does not get it while all data is deleted.
  await other.page.close();
  const reader = await app.anotherTab(server.address);
  await (await reader.runs()).getByRole("button", { name: "Open The first brief" }).click();
  await expect(reader.page.getByText(/^This tab is read-only/)).toBeVisible();
  await app.runs();
  await list.getByRole("button", { name: "Delete all data…" }).click();
  await list.getByRole("button", { name: "Delete all data", exact: true }).click();
  await expect(list).toContainText("All data of this page was deleted.");
  await expect(reader.heading("This run is no longer stored in this browser")).toBeVisible();
  expect(await everythingKept(app.page)).not.toContain("The first brief");
});

test("consent to leave a run ends with the action that it was given for", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(`${server.address}/?dry-run`, /^Dry run/);
  await app.generateTasks(1);
  await app.approveAll(1);
  await app.foot.getByRole("button", { name: "Write 1 dry receipt" }).click();
  await app
    .dialog("Write 1 dry receipt?")
    .getByRole("button", { name: "Write 1 dry receipt" })
    .click();
  await expect(app.heading("Dry run done: 1 dry receipt, 0 requests")).toBeVisible();
  // *Go live* leaves the dry run without a question, but without a goal nothing is started.
  await app.fillBrief({ goal: "" });
  await app.press("Go live");
  await expect(app.field("Goal")).toHaveAccessibleDescription(/goal/i);
  await app.press("Import tasks…");
  await app
    .field("Tasks as JSON")
    .fill('{"key":"mine","title":"My own task","instructions":"Do it.","priority":"low"}');
  await app.press("Import 1 task");
  await app.press("Approve mine");
  await app.fillBrief({ goal: "Another goal" });
  await app.generate();
  await expect(app.dialog("Leave this run?")).toContainText("Not finished: 1 approved task.");
});

test("raw responses of finished runs can be deleted, and the tasks stay", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3, "The first brief");
  await app.generateTasks(3, "The second brief");
  const responses = () =>
    app.page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const opening = indexedDB.open("taskwright");
          opening.onsuccess = () => {
            const counting = opening.result.transaction("responses").objectStore("responses").count();
            counting.onsuccess = () => {
              opening.result.close();
              resolve(counting.result);
            };
          };
        }),
    );
  await expect.poll(responses).toBe(2);
  const list = await app.runs();
  await list.getByRole("button", { name: "Delete raw responses of finished runs" }).click();
  await expect(list).toContainText("Deleted the raw responses of 1 finished run.");
  await expect.poll(responses).toBe(1);
  await list.getByRole("button", { name: "Open The first brief" }).click();
  await expect(app.tasks).toHaveText([/Ready/, /Ready/, /Ready/]);
});
