// Connections: several servers side by side, and servers that want more than a token.
import { readFile } from "node:fs/promises";

import { everythingKept } from "./browser-storage.ts";
import { SIGNATURE, TenantServer, TOKEN } from "./tenant-server.ts";
import { expect, test } from "./world.ts";

test("a server with an envelope, a tenant header, a query and two secrets gets exactly the approved tasks", async ({
  world,
  app,
}) => {
  const tenant = await TenantServer.start();
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const list = await app.connections();
  await list.getByRole("button", { name: "New connection…" }).click();
  const settings = app.dialog("New connection");
  const fill = (label: string | RegExp, text: string) =>
    settings.getByRole("textbox", { name: label }).fill(text);
  await fill("Name", "Tenant north");
  await settings.getByRole("combobox", { name: "Base URL" }).or(settings.getByLabel("Base URL")).fill(
    world.testbed.model("plain", world.tag),
  );
  await settings.getByLabel("Model", { exact: true }).fill("scripted");
  await fill("Address", tenant.address);
  await fill("Path", "/repository");
  await fill("Token header", "Authorization");
  await fill(/^Token scheme/, "Bearer");
  await settings.getByText("Extra headers and query").click();
  await settings.locator("#extra-headers").fill("X-TENANT: north");
  await settings.locator("#extra-query").fill("queue=blue");
  await fill(/^Secret headers/, "X-Signature");
  await fill("Body template", '{"type": "work", "payload": $task}');
  await settings.getByRole("button", { name: "Save settings" }).click();
  await expect(app.button("Connection: Tenant north")).toBeVisible();
  await expect(app.modeBand).toHaveText("Live → Tenant north");

  await app.generateTasks(3);
  await app.approveAll(3);
  await app.press(`Post 3 tasks to ${tenant.host}…`);
  const confirmation = app.dialog("Post 3 tasks?");
  await expect(confirmation).toContainText(`${tenant.address}/repository?queue=blue`);
  await confirmation.getByText("Request of the first task").click();
  await expect(confirmation).toContainText("Authorization: Bearer $AGENT_API_TOKEN");
  await expect(confirmation).toContainText("X-TENANT: north");
  await expect(confirmation).toContainText("X-Signature: $X_SIGNATURE");
  await confirmation.getByRole("button", { name: `Post 3 tasks to ${tenant.host}` }).click();
  await app.enterToken(tenant.host, TOKEN);
  const prompt = app.dialog(`X-Signature for ${tenant.host}`);
  await prompt.getByRole("textbox").fill(SIGNATURE);
  await prompt.getByRole("button", { name: "Use X-Signature" }).click();
  await expect(app.heading(`Posted to ${tenant.host}: 3 delivered`)).toBeVisible();
  expect(tenant.stored.map(({ url }) => url)).toEqual(Array(3).fill("/repository?queue=blue"));
  expect(tenant.stored.every(({ headers }) => !("idempotency-key" in headers))).toBe(true);
  const kept = await everythingKept(app.page);
  expect(kept).toContain("X-Signature");
  expect(kept).not.toContain(SIGNATURE);
  expect(kept).not.toContain(TOKEN);
  await app.page.close();
  await tenant.stop();
});

test("a run keeps its connection when another one is chosen for new runs", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  const list = await app.connections();
  await list.getByRole("button", { name: "Duplicate Test bench" }).click();
  await expect(list.getByRole("status")).toContainText("“Test bench copy” was added.");
  await list.getByRole("button", { name: "Edit Test bench copy" }).click();
  const settings = app.dialog("Settings: Test bench copy");
  await settings.getByRole("textbox", { name: "Name" }).fill("Staging");
  await settings.getByRole("textbox", { name: "Path" }).fill("/staging");
  await settings.getByRole("button", { name: "Save settings" }).click();

  await (await app.connections()).getByRole("button", { name: "Use Staging" }).click();
  await app.dialog("Connections").getByRole("button", { name: "Close" }).last().click();
  await expect(app.button("Connection: Staging")).toBeVisible();
  await expect(app.modeBand).toHaveText("Live → Test bench");
  await expect(app.foot).toContainText(`${server.address}/tasks`);
  await expect(app.button(`Post 3 tasks to ${server.host}…`)).toBeVisible();
  // The choice holds after a reload, and so does the run with its connection.
  await app.page.reload();
  await expect(app.button("Connection: Staging")).toBeVisible();
  await expect(app.modeBand).toHaveText("Live → Test bench");
  await app.postAll(3, server.host);
  expect(await server.tasks()).toHaveLength(3);
});

test("changing the address of a run's connection withdraws its approvals, also while the run is not on the page", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  const another = await app.anotherTab(server.address);
  const settings = await another.settings();
  await settings.getByRole("textbox", { name: "Path" }).fill("/elsewhere");
  await another.saveSettings();
  await another.page.close();
  await app.page.reload();
  await app.loaded();
  await expect(app.button("Approve 3 valid tasks")).toBeVisible();
  await expect(app.foot).toContainText("/elsewhere");
});

test("posting to production asks for the connection's name", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const settings = await app.settings();
  await settings.getByRole("checkbox", { name: /^Production/ }).check();
  await settings.getByText("Amber").click();
  await app.saveSettings();
  await expect(app.modeBand).toHaveText("Live → Test bench (production)");
  await app.generateTasks(2);
  await app.approveAll(2);
  await app.press(`Post 2 tasks to ${server.host}…`);
  const confirmation = app.dialog("Post 2 tasks?");
  const post = confirmation.getByRole("button", { name: `Post 2 tasks to ${server.host}` });
  const name = confirmation.getByRole("textbox", { name: "Type the connection’s name to post" });
  await expect(name).toBeFocused();
  await expect(post).toBeDisabled();
  await name.fill("Test");
  await app.page.keyboard.press("Enter");
  await expect(confirmation).toBeVisible();
  await name.fill("Test bench");
  await expect(post).toBeEnabled();
  await app.page.keyboard.press("Enter");
  await app.enterToken(server.host, "changeme");
  await expect(app.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
});

test("a deleted connection can be restored, and exported connections can be imported without secrets", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const settings = await app.settings();
  await settings.getByLabel(/^API key/).first().fill("sk-a-key-that-is-never-saved-0001");
  await app.saveSettings();
  const list = await app.connections();
  await list.getByRole("button", { name: "Duplicate Test bench" }).click();
  await list.getByRole("button", { name: "Delete Test bench copy" }).click();
  await expect(list.getByRole("listitem")).toHaveCount(1);
  await list.getByRole("button", { name: "Undo the deletion" }).click();
  await expect(list.getByRole("listitem")).toHaveCount(2);

  const download = app.page.waitForEvent("download");
  await list.getByRole("button", { name: "Export all" }).click();
  const file = await (await download).path();
  expect(await readFile(file, "utf8")).not.toContain("never-saved");
  const chooser = app.page.waitForEvent("filechooser");
  await list.getByRole("button", { name: "Import…" }).click();
  await (await chooser).setFiles(file);
  await expect(list.getByRole("status")).toContainText(
    "Added “Test bench 2”, “Test bench copy 2”.",
  );
  await expect(list.getByRole("listitem")).toHaveCount(4);
});

test("settings that were changed are discarded only after a question", async ({ world, app, page }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const settings = await app.settings();
  const address = settings.getByRole("textbox", { name: "Address" });
  await address.fill("https://tasks.example.com");
  await page.keyboard.press("Escape");
  await expect(settings.getByText("Discard your changes to these settings?")).toBeVisible();
  await settings.getByRole("button", { name: "Keep editing" }).click();
  await expect(address).toHaveValue("https://tasks.example.com");
  await app.discardSettings();
  await expect((await app.settings()).getByRole("textbox", { name: "Address" })).toHaveValue(server.address);
});
