// Receipts, saved as files by the browser.
import { readFile } from "node:fs/promises";

import type { AppPage } from "./app-page.ts";
import { expect, NO_RESPONSE, test } from "./world.ts";

/** Presses a button of the receipts dialog and reads the saved file. */
async function save(app: AppPage, name: string): Promise<{ file: string; text: string }> {
  const downloading = app.page.waitForEvent("download");
  await app.dialog("Receipts for this run").getByRole("button", { name }).click();
  const download = await downloading;
  await expect(app.page.getByText(`Saved as ${download.suggestedFilename()}`)).toBeVisible();
  return {
    file: download.suggestedFilename(),
    text: await readFile(await download.path(), "utf8"),
  };
}

test("receipts saved as JSON Lines and as CSV have the same content, and the numbers add up", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "exact-text", tokens: "of-this-test" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.openTaskAsJson("keep-the-digits");
  const formula = '{"key":"keep-the-digits","title":"=HYPERLINK(\\"x\\")","instructions":"x","priority":"low"}';
  await app.editor.fill(formula);
  await app.approveButton.click();
  await app.press("Approve keep-the-order");
  await app.press("Reject keep-the-space");
  await app.closeTask();
  await app.post(2, server.host);
  await app.enterToken(server.host, "of-this-test");
  await expect(app.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  await expect(
    app.page.getByText("3 tasks: 2 delivered and 1 rejected.", { exact: true }),
  ).toBeVisible();
  const stored = await server.tasks();

  await app.press("Export receipts…");
  const lines = await save(app, "Save as JSON Lines");
  expect(lines.file).toMatch(/^taskwright-receipts-[0-9a-f]{32}-\d{4}-\d\d-\d\d\.jsonl$/);
  const records = lines.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const summary = records.pop();
  expect(summary).toMatchObject({
    record: "summary",
    tasks: 3,
    attempts: 2,
    states: { delivered: 2, rejected: 1 },
  });
  expect(records.map((record) => [record.task_key, record.outcome, record.status])).toEqual([
    ["keep-the-order", "delivered", 201],
    ["keep-the-digits", "delivered", 201],
  ]);
  expect(records.map((record) => record.server_id).sort()).toEqual(
    stored.map((task) => task.id).sort(),
  );
  for (const record of records) {
    const times = [record.started_at, record.sent_at, record.ended_at].map(String);
    expect([...times].sort(), "journaled, sent, answered").toEqual(times);
    expect(times[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }

  const csv = await save(app, "Save as CSV");
  expect(csv.file).toMatch(/\.csv$/);
  const rows = csv.text.split("\r\n");
  expect(rows).toHaveLength(4);
  expect(rows[0]).toBe(Object.keys(records[0] ?? {}).filter((name) => name !== "record").join(","));
  expect(rows[2], "a formula is escaped").toContain(`"'=HYPERLINK(""x"")"`);
  for (const text of [lines.text, csv.text]) expect(text).not.toContain("of-this-test");
});

test("receipts can be saved while posting is paused", async ({ world, app, complaints }) => {
  complaints.allow(NO_RESPONSE);
  const server = await world.liveServer({
    script: "exact-text",
    tasks: world.testbed.plain("drop", world.tag),
  });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.postWithDefaultToken(3, world.testbed.host);
  await expect(app.foot).toContainText("this page sees no response to the first task");
  await app.foot.getByRole("button", { name: "Export receipts…" }).click();
  const { text } = await save(app, "Save as JSON Lines");
  const [attempt, summary] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  expect(attempt).toMatchObject({ outcome: "unconfirmed", decided_by: null, key_sent: false });
  expect(summary).toMatchObject({ tasks: 3, states: { unconfirmed: 1, queued: 2 } });
});
