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
  await fill(/^Body template/, '{"type": "work", "run": $run, "payload": {"ref": $uuid, ...$task}}');
  await expect(settings.getByText("Request body, with an example")).toBeVisible();
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
  const payloads = tenant.stored.map(({ body }) => body.payload as { ref: string; title: string });
  expect(new Set(payloads.map(({ ref }) => ref)).size).toBe(3);
  expect(payloads.every(({ title }) => title !== "")).toBe(true);
  expect(tenant.stored.every(({ headers }) => !("idempotency-key" in headers))).toBe(true);
  const kept = await everythingKept(app.page);
  expect(kept).toContain("X-Signature");
  expect(kept).not.toContain(SIGNATURE);
  expect(kept).not.toContain(TOKEN);
  await app.page.close();
  await tenant.stop();
});

test("one task is posted as a test, and the others afterwards", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.press(`Post 3 tasks to ${server.host}…`);
  const confirmation = app.page.getByRole("dialog", { name: /^Post \d tasks?\?$/ });
  await confirmation.getByText("One, as a test").click();
  await expect(confirmation).toHaveAccessibleName("Post 1 task?");
  await confirmation.getByText("Request of the first task").click();
  const chosen = confirmation.getByRole("combobox", { name: "Task to test with" });
  const title = await chosen.locator("option:checked").innerText();
  await expect(confirmation.locator(".code-block").first()).toContainText(title);
  await confirmation.getByRole("button", { name: "Use “changeme”, the local default" }).click();
  await expect(app.heading(`Test posted to ${server.host}: 1 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(1);
  await app.page.reload();
  await app.post(2, server.host);
  await app.enterToken(server.host, "changeme");
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
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
  await app.postWithDefaultToken(3, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("two connections to one server have tokens of their own", async ({ world, app, page }) => {
  const server = await world.liveServer({ script: "plain", tokens: "token-of-north,token-of-south" });
  const sent: (string | undefined)[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST" && request.url() === `${server.address}/tasks`) {
      sent.push(request.headers()["x-agent-token"]);
    }
  });
  await app.open(server.address);
  const generateAndAsk = async () => {
    await app.generateTasks(1);
    await app.approveAll(1);
    await app.foot.getByRole("button", { name: /^Post 1 task/ }).click();
  };
  const use = async (name: string) => {
    await (await app.connections()).getByRole("button", { name: `Use ${name}` }).click();
    await app.dialog("Connections").getByRole("button", { name: "Close" }).last().click();
  };
  await generateAndAsk();
  await app.enterToken(server.host, "token-of-north");
  await expect(app.heading(`Posted to ${server.host}: 1 delivered`)).toBeVisible();

  await (await app.connections()).getByRole("button", { name: "Duplicate Test bench" }).click();
  await app.dialog("Connections").getByRole("button", { name: "Close" }).last().click();
  await use("Test bench copy");
  await generateAndAsk();
  await app.enterToken(server.host, "token-of-south");
  await expect(app.heading(`Posted to ${server.host}: 1 delivered`)).toBeVisible();

  await use("Test bench");
  await generateAndAsk();
  const confirmation = app.dialog("Post 1 task?");
  await expect(confirmation).toContainText("In memory");
  await confirmation.getByRole("button", { name: /^Post 1 task/ }).click();
  await expect(app.heading(`Posted to ${server.host}: 1 delivered`)).toBeVisible();
  expect(sent).toEqual(["token-of-north", "token-of-south", "token-of-north"]);
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
  await expect(app.button(/^Approve 3 valid tasks/)).toBeVisible();
  await expect(app.foot).toHaveCount(0);
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
  // The name comes first, where it is seen without scrolling.
  await expect(name).toBeFocused();
  await expect(name).toBeInViewport({ ratio: 1 });
  await app.page.keyboard.type("Test");
  await expect(post).toBeDisabled();
  await app.page.keyboard.press("Enter");
  await expect(confirmation).toBeVisible();
  await app.page.keyboard.type(" bench");
  await expect(post).toBeEnabled();
  await app.page.keyboard.press("Enter");
  await expect(confirmation.getByRole("textbox", { name: "Agent token" })).toBeFocused();
  await app.page.keyboard.type("changeme");
  await app.page.keyboard.press("Enter");
  await expect(app.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
});

test("a deleted connection can be restored, and exported connections can be imported without secrets", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const settings = await app.settings();
  await settings.locator("#api-key").fill("sk-a-key-that-is-never-saved-0001");
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

test("a pasted curl command sets a server up, and its token is used and never stored", async ({ world, app }) => {
  const tenant = await TenantServer.start();
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await (await app.connections()).getByRole("button", { name: "New connection…" }).click();
  const settings = app.dialog("New connection");
  // A token that was typed for another server must not follow the change of address.
  await settings.locator("#url").fill("http://127.0.0.1:9");
  await settings.locator("#agent-token").fill("typed-for-another-server");
  await settings.getByRole("textbox", { name: "Paste here" }).fill(
    `curl -X POST '${tenant.address}/repository?queue=blue' \\
      -H 'Content-Type: application/json' -H 'X-TENANT: north' \\
      -H 'Authorization: Bearer ${TOKEN}' -H 'X-Signature: ${SIGNATURE}' \\
      -d '{"type": "work", "payload": {"title": "Fix the roof", "priority": 2}}'`,
  );
  await expect(settings.getByRole("status")).toContainText([`A curl command: POST ${tenant.address}/repository`]);
  await settings.getByRole("button", { name: "Fill in the settings" }).click();
  await expect(settings.locator("#path")).toHaveValue("/repository");
  await expect(settings.locator("#extra-headers")).toHaveValue("X-TENANT: north");
  await expect(settings.locator("#token-scheme")).toHaveValue("Bearer");
  await expect(settings.locator("#agent-token")).toHaveValue("");
  await expect(settings.locator("#agent-token")).toHaveAccessibleDescription(/The one that was pasted is used/);
  await settings.getByRole("button", { name: "Save settings" }).click();
  await expect(app.button(`Connection: ${tenant.host}`)).toBeVisible();

  // Tasks that exist already need no model.
  await app.press("Import tasks…");
  const dialog = app.dialog("Import tasks");
  await dialog.getByRole("textbox").fill('{"title": "Fix the roof", "priority": 2}');
  await dialog.getByText("Live", { exact: true }).click();
  await dialog.getByRole("button", { name: /^Import/ }).click();
  await app.approveAll(1);
  await app.post(1, tenant.host);
  const prompt = app.dialog(`X-Signature for ${tenant.host}`);
  if (await prompt.isVisible()) {
    await prompt.getByRole("textbox").fill(SIGNATURE);
    await prompt.getByRole("button", { name: "Use X-Signature" }).click();
  }
  await expect(app.heading(`Posted to ${tenant.host}: 1 delivered`)).toBeVisible();
  expect(tenant.stored[0]?.body).toEqual({ type: "work", payload: { title: "Fix the roof", priority: 2 } });
  const kept = await everythingKept(app.page);
  expect(kept).not.toContain(TOKEN);
  expect(kept).not.toContain(SIGNATURE);
  await app.page.close();
  await tenant.stop();
});

test("the description of a pasted address fills in the settings, and the connection test says what works", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(/status of 401/, /status of 404/);
  const page = await world.liveServer({ script: "plain" });
  const tasks = await world.taskServer({ allowOrigin: page.address });
  await app.open(page.address);
  await (await app.connections()).getByRole("button", { name: "New connection…" }).click();
  const settings = app.dialog("New connection");
  await settings.getByRole("textbox", { name: "Paste here" }).fill(tasks.address);
  await settings.getByRole("button", { name: "Read and fill in" }).click();
  await expect(settings.getByText(/^The OpenAPI document/)).toBeVisible();
  await expect(settings.locator("#url")).toHaveValue(tasks.address);
  await expect(settings.getByRole("checkbox", { name: /Idempotency-Key/ })).toBeChecked();
  await settings.getByRole("button", { name: "Test connection" }).click();
  const report = settings.getByRole("region", { name: "Task server" });
  await expect(report).toContainText("Server answers: Passed");
  await expect(report).toContainText("Origin allowed: Passed");
  await expect(report).toContainText("Headers allowed: Not determined");
  await settings.locator("#agent-token").fill("changeme");
  await settings.getByRole("button", { name: "Test connection" }).click();
  await expect(report).toContainText("Authorized: Passed");
  await expect(report).toContainText("Response as expected: Passed");
});

test("a live run says that the server describes other tasks than the connection", async ({ world, app }) => {
  const page = await world.liveServer({ script: "plain" });
  const schema = (name: string) => ({ type: "object", properties: { [name]: { type: "string" } } });
  const tasks = await world.taskServer({ allowOrigin: page.address, schema: schema("title") });
  await app.open(page.address);
  await (await app.connections()).getByRole("button", { name: "New connection…" }).click();
  const settings = app.dialog("New connection");
  await settings.getByRole("textbox", { name: "Paste here" }).fill(tasks.address);
  await settings.getByRole("button", { name: "Read and fill in" }).click();
  await expect(settings.getByText("The settings are filled in.")).toBeVisible();
  await settings.getByRole("textbox", { name: "Name" }).fill("Changing");
  await settings.getByRole("button", { name: "Save settings" }).click();
  const importOne = async () => {
    await app.press("Import tasks…");
    const dialog = app.dialog("Import tasks");
    await dialog.getByRole("textbox").fill('{"title": "One"}');
    await dialog.getByRole("button", { name: "Import 1 task" }).click();
    await expect(app.tasks).toHaveCount(1);
  };
  const announced = app.heading(/The description of the server has changed since the task schema was read from/);
  await importOne();
  await app.press("Archive this run");
  await expect(announced).toHaveCount(0);

  await tasks.stop();
  await world.restart(tasks, { allowOrigin: page.address, schema: schema("summary") });
  await importOne();
  await expect(announced).toBeVisible();
});

test("the connection test of a server that is down, or without a CORS rule, says what it cannot see", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(/net::ERR_/, /CORS policy/, /status of 40[14]/);
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const settings = await app.settings();
  const address = settings.getByRole("textbox", { name: "Address" });
  await settings.locator("#agent-token").fill("changeme");
  await address.fill("http://127.0.0.1:9");
  await settings.getByRole("button", { name: "Test connection" }).click();
  const report = settings.getByRole("region", { name: "Task server" });
  await expect(report).toContainText("Server answers: Failed");
  // A server of this machine that allows only its own origin.
  const other = await world.taskServer();
  await address.fill(other.address);
  await settings.locator("#agent-token").fill("changeme");
  await settings.getByRole("button", { name: "Test connection" }).click();
  await expect(report).toContainText("Origin allowed: Not determined");
  await settings.getByText("CORS rule for this page").click();
  await settings.getByRole("button", { name: "FastAPI" }).click();
  await expect(settings.getByText(`allow_origins=["${server.address}"]`)).toBeVisible();
});
