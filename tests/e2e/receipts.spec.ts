// What became of every task, saved as a file by the browser.
import { readFile } from "node:fs/promises";

import type { Desk } from "./desk.ts";
import { expect, NO_ANSWER, test } from "./world.ts";

/** Presses a button of the receipts dialog and reads what the browser saves. */
async function saved(desk: Desk, name: string): Promise<{ file: string; text: string }> {
  const waiting = desk.page.waitForEvent("download");
  await desk.dialog("Receipts of this run").getByRole("button", { name }).click();
  const download = await waiting;
  await expect(desk.page.getByText(`Saved as ${download.suggestedFilename()}`)).toBeVisible();
  return {
    file: download.suggestedFilename(),
    text: await readFile(await download.path(), "utf8"),
  };
}

test("receipts are saved as JSON Lines and as CSV, say the same, and add up", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "exact-text", tokens: "of-this-test" });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.openTask("keep-the-digits");
  const formula = '{"key":"keep-the-digits","title":"=HYPERLINK(\\"x\\")","instructions":"x","priority":"low"}';
  await desk.editor.fill(formula);
  await desk.press("Approve");
  await desk.press("Approve keep-the-order");
  await desk.press("Reject keep-the-space");
  await desk.closeTask();
  await desk.post(2, server.host);
  await desk.giveToken(server.host, "of-this-test");
  await expect(desk.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  await expect(
    desk.page.getByText("3 tasks: 2 delivered and 1 rejected.", { exact: true }),
  ).toBeVisible();
  const stored = await server.tasks();

  await desk.press("Export receipts…");
  const lines = await saved(desk, "Save as JSON Lines");
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
    expect([...times].sort(), "written down, left, answered").toEqual(times);
    expect(times[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }

  const csv = await saved(desk, "Save as CSV");
  expect(csv.file).toMatch(/\.csv$/);
  const rows = csv.text.split("\r\n");
  expect(rows).toHaveLength(4);
  expect(rows[0]).toBe(Object.keys(records[0] ?? {}).filter((name) => name !== "record").join(","));
  expect(rows[2], "a formula is not carried out").toContain(`"'=HYPERLINK(""x"")"`);
  for (const text of [lines.text, csv.text]) expect(text).not.toContain("of-this-test");
});

test("receipts can be saved while posting waits", async ({ world, desk, complaints }) => {
  complaints.allow(NO_ANSWER);
  const server = await world.liveServer({
    script: "exact-text",
    tasks: world.testbed.plain("drop", world.tag),
  });
  await desk.open(server.address);
  await desk.makeTasks(3);
  await desk.approveAll(3);
  await desk.postWithDefaultToken(3, world.testbed.host);
  await expect(desk.foot).toContainText("the server is in trouble");
  await desk.foot.getByRole("button", { name: "Export receipts…" }).click();
  const { text } = await saved(desk, "Save as JSON Lines");
  const [attempt, summary] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  expect(attempt).toMatchObject({ outcome: "unconfirmed", decided_by: null, key_sent: false });
  expect(summary).toMatchObject({ tasks: 3, states: { unconfirmed: 1, queued: 2 } });
});
