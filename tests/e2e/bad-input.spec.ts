// Invalid input: a clear error that says what to do, and no typed text is lost.
import type { Brief } from "./app-page.ts";
import { everythingKept } from "./browser-storage.ts";
import { Recorder } from "./recorder.ts";
import { header } from "./servers.ts";
import { expect, NO_RESPONSE, statusLine, test } from "./world.ts";

const DRY = "Dry run — nothing leaves this page";

/** A brief with a value in every field, to check that it survives errors. */
const TYPED: Brief = {
  goal: "Move “everything” to the new rack",
  context: "Two racks,\nthree people",
  rules: "One task a rack",
  count: "3",
};

test.describe("the brief", () => {
  for (const { what, typed, field, error } of [
    {
      what: "an empty goal",
      typed: { ...TYPED, goal: "  " },
      field: "Goal",
      error: "The goal is empty. Describe what should be done.",
    },
    {
      what: "a count of 0",
      typed: { ...TYPED, count: "0" },
      field: "Number of tasks",
      error: "0 is too low. Enter a number from 1 to 500.",
    },
    {
      what: "a count of 501",
      typed: { ...TYPED, count: "501" },
      field: "Number of tasks",
      error: "501 is more than one run allows. Enter a number from 1 to 500",
    },
    {
      what: "a count of “ten”",
      typed: { ...TYPED, count: "ten" },
      field: "Number of tasks",
      error: "“ten” is not a whole number. Enter a number from 1 to 500.",
    },
  ]) {
    test(`${what} is reported at its field, and no run starts`, async ({ world, app }) => {
      const server = await world.liveServer({ script: "plain" });
      await app.open(server.address);
      await app.fillBrief(typed);
      await app.generate();
      await expect(app.field(field)).toHaveAccessibleDescription(new RegExp(escape(error)));
      await expect(app.field(field)).toHaveAttribute("aria-invalid", "true");
      await expect(app.field(field)).toBeFocused();
      await app.expectBrief(typed);
      await expect(app.tasks).toHaveCount(0);
      expect(await world.testbed.asked(world.tag)).toEqual([]);

      await app.fillBrief(TYPED);
      await expect(app.field(field)).not.toHaveAttribute("aria-invalid", "true");
    });
  }
});

test.describe("the settings", () => {
  for (const { what, schema, error } of [
    {
      what: "a schema that is not JSON",
      schema: "{ not JSON",
      error: "The schema is not JSON",
    },
    {
      what: "JSON that is not a schema",
      schema: '{"type": "obiect", "properties": {"title": {"type": "string"}}}',
      error: "The schema is not a valid JSON Schema",
    },
    {
      what: "a schema with a remote reference",
      schema: '{"type": "object", "properties": {"a": {"$ref": "https://schemas.example.com/a.json"}}}',
      error: "The schema refers to https://schemas.example.com/a.json, which is not part of it",
    },
  ]) {
    test(`${what} is rejected and kept in its field, and nothing is fetched`, async ({ world, app }) => {
      const server = await world.liveServer({ script: "plain" });
      await app.open(server.address);
      await app.fillBrief(TYPED);
      const recorder = await Recorder.start(app.page, { gate: "open" });
      const settings = await app.settings();
      await settings.getByText("Custom", { exact: true }).click();
      const field = settings.getByRole("textbox", { name: "JSON Schema of one task" });
      await field.fill(schema);
      await app.saveSettings();
      await expect(settings.getByText(new RegExp(escape(error), "i"))).toBeVisible();
      await expect(field).toHaveValue(schema);
      await app.discardSettings();
      await app.expectBrief(TYPED);
      expect(await recorder.requests()).toEqual([]);
      // The previous schema still applies.
      await app.generateTasks(3);
    });
  }

  for (const { field, given, error } of [
    {
      field: "Base URL",
      given: "http://models.example.com/v1",
      error: "http://models.example.com would send secrets unencrypted over the network. Use https://",
    },
    { field: "Base URL", given: "models.example.com", error: "does not start with https:// or http://" },
    { field: "Base URL", given: "ftp://models.example.com", error: "A page cannot call ftp: addresses." },
    {
      field: "Base URL",
      given: "https://me:secret@models.example.com",
      error: "The address contains a user name or password.",
    },
    {
      field: "Address",
      given: "http://192.168.1.20:8080",
      error: "would send secrets unencrypted over the network. Use https://",
    },
  ]) {
    test(`${given} is rejected as ${field}, with the address to use instead`, async ({ world, app }) => {
      const server = await world.liveServer({ script: "plain" });
      await app.open(server.address);
      await app.fillBrief(TYPED);
      const settings = await app.settings();
      const typed = settings.getByRole("textbox", { name: field, exact: true }).or(
        settings.getByRole("combobox", { name: field, exact: true }),
      );
      await typed.fill(given);
      await app.saveSettings();
      await expect(typed).toHaveAccessibleDescription(new RegExp(escape(error)));
      await expect(typed).toBeFocused();
      await expect(typed).toHaveValue(given);
      await app.discardSettings();
      await app.expectBrief(TYPED);
      await expect(app.modeBand).toHaveText("Live → Test bench");
    });
  }
});

test.describe("the API key", () => {
  const KEY = "sk-e2e-0123456789abcdef";

  test("is requested if the endpoint requires one, used, and stored nowhere", async ({
    world,
    app,
  }) => {
    const model = { base_url: world.testbed.model("needs-key", world.tag), model: "scripted" };
    const server = await world.taskServer({
      config: () => ({ connection: "Keyed", model: { ...model, needs_key: true } }),
    });
    await app.open(server.address, DRY);
    await expect(
      app.page.getByText(`No API key for ${world.testbed.host} was entered, so this is a dry run.`),
    ).toBeVisible();
    await app.fillBrief(TYPED);
    await app.page.getByText("Live", { exact: true }).click();
    await app.generate();
    const prompt = app.dialog(`API key for ${world.testbed.host}`);
    await expect(prompt).toBeVisible();
    expect(await world.testbed.asked(world.tag), "nothing is sent without the key").toEqual([]);
    await prompt.getByRole("textbox", { name: "API key" }).fill(KEY);
    await prompt.getByRole("button", { name: "Use API key", exact: true }).click();
    await expect(app.heading("Complete: 3 tasks, all valid")).toBeVisible();
    await app.approveAll(3);

    const [request, ...more] = await world.testbed.asked(world.tag);
    expect(more).toEqual([]);
    expect(header(request?.headers ?? [], "authorization")).toBe(`Bearer ${KEY}`);
    expect(request?.body).not.toContain(KEY);
    expect(await everythingKept(app.page)).not.toContain(KEY);
    expect(await app.page.content()).not.toContain(KEY);
    await app.expectBrief(TYPED);
  });

  test("can be entered after a 401 and is used for the next attempt", async ({
    world,
    app,
    complaints,
  }) => {
    complaints.allow(statusLine(401));
    const server = await world.liveServer({ script: "needs-this-key" });
    await app.open(server.address);
    await app.fillBrief(TYPED);
    await app.generate();
    await expect(app.heading(/^The model endpoint rejected the API key: 401/)).toBeVisible();
    await app.press("Enter another API key…");
    const prompt = app.dialog(`API key for ${world.testbed.host}`);
    await prompt.getByRole("textbox", { name: "API key" }).fill("testbed-key");
    await prompt.getByRole("button", { name: "Use API key", exact: true }).click();
    await app.press("Generate again");
    await expect(app.heading("Complete: 3 tasks, all valid")).toBeVisible();
    await app.expectBrief(TYPED);
  });

  test("is rejected in its dialog if it cannot be a key, and the dialog stays open", async ({ world, app }) => {
    const model = { base_url: world.testbed.model("needs-key", world.tag), model: "scripted" };
    const server = await world.taskServer({ config: () => ({ model: { ...model, needs_key: true } }) });
    await app.open(server.address, DRY);
    await app.fillBrief(TYPED);
    await app.page.getByText("Live", { exact: true }).click();
    await app.generate();
    const prompt = app.dialog(/^API key for /);
    const field = prompt.getByRole("textbox", { name: "API key" });
    for (const wrong of ["", "schlüssel"]) {
      await field.fill(wrong);
      await prompt.getByRole("button", { name: "Use API key", exact: true }).click();
      await expect(field).toHaveAttribute("aria-invalid", "true");
      await expect(field).toBeFocused();
    }
    await prompt.getByRole("button", { name: "Cancel" }).click();
    await app.expectBrief(TYPED);
    expect(await world.testbed.asked(world.tag)).toEqual([]);
  });
});

test("a wrong token pauses posting; a valid one continues with the same task and key", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(401));
  const right = "a-token-of-this-test";
  const server = await world.liveServer({ script: "exact-text", tokens: right, honoursKeys: true });
  await app.open(server.address);
  await app.fillBrief(TYPED);
  await app.generate();
  await app.approveAll(3);
  const texts = await app.texts();
  await app.post(3, server.host);
  await app.enterToken(server.host, "changeme");

  // The prompt opens again immediately and says why.
  const prompt = app.dialog(`Agent token for ${server.host}`);
  await expect(prompt.getByRole("textbox", { name: "Agent token" })).toHaveAccessibleDescription(
    /rejected the agent token/,
  );
  expect(await server.tasks()).toEqual([]);
  await prompt.getByRole("button", { name: "Cancel" }).click();
  await expect(app.foot).toContainText("the server rejected the agent token (401)");
  await expect(app.task("keep-the-digits")).toContainText("Queued");

  await app.foot.getByRole("button", { name: /token…$/ }).click();
  await app.enterToken(server.host, right);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();

  const stored = await server.tasks();
  // The first task goes alone, the others at the same time.
  expect(stored.map((task) => task.text).sort()).toEqual([...texts].sort());
  await app.openTask("keep-the-order");
  const delivery = await app.deliveryTab();
  await expect(delivery.getByRole("list", { name: "Attempts" }).getByRole("listitem")).toHaveText([
    /Agent token rejected: 401/,
    /Delivered: 201/,
  ]);
  await expect(delivery).toContainText(stored[0]?.idempotencyKey ?? "a key");
  await app.expectBrief(TYPED);
  expect(await everythingKept(app.page)).not.toContain(right);
});

test("a task server that is down leaves one task unconfirmed, and no other task is sent", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE);
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.fillBrief(TYPED);
  await app.generate();
  await app.approveAll(3);
  await server.stop();
  const recorder = await Recorder.start(app.page, { gate: "open" });
  await app.postWithDefaultToken(3, server.host);
  await expect(app.task("keep-the-order")).toContainText("Unconfirmed");
  // The most frequent cause comes first, with what to allow.
  await expect(app.foot).toContainText("this page sees no response to the first task");
  await expect(app.foot).toContainText(
    `First check the server's CORS rule and its response to the preflight (OPTIONS): they must allow the origin ${new URL(app.page.url()).origin} and the headers Content-Type and X-AGENT-TOKEN.`,
  );
  await app.foot.getByText("CORS rule that the task server needs").click();
  await expect(app.foot).toContainText("Access-Control-Allow-Headers: Content-Type, X-AGENT-TOKEN");
  await expect(app.task("keep-the-digits")).toContainText("Queued");
  await expect(app.task("keep-the-space")).toContainText("Queued");

  // When it is back, the two unsent tasks are posted, and the unconfirmed one waits for a decision.
  const back = await world.restart(server);
  await app.press("Resume posting");
  await expect(app.heading(`Posted to ${server.host}: 2 delivered and 1 unconfirmed`)).toBeVisible();
  expect(await back.tasks()).toHaveLength(2);
  const posts = (await recorder.requests()).filter((line) => line.startsWith("POST: "));
  expect(posts).toHaveLength(3);
  await app.expectBrief(TYPED);
});

test("a base URL that returns a web page is reported as such", async ({ world, app }) => {
  const server = await world.liveServer({ script: "html-200" });
  await app.open(server.address);
  await app.fillBrief(TYPED);
  await app.generate();
  await expect(app.heading("The base URL returned a web page")).toBeVisible();
  await expect(app.button("Open settings…")).toBeVisible();
  await expect(app.page.getByText(/^Response body, \d+ characters$/)).toBeVisible();
  await app.expectBrief(TYPED);
});

test("a redirect by the model endpoint is not followed", async ({ world, app, complaints }) => {
  complaints.allow(NO_RESPONSE, /redirect/);
  const server = await world.liveServer({ script: "redirect" });
  await app.open(server.address);
  await app.fillBrief(TYPED);
  await app.generate();
  await expect(app.heading("The model endpoint did not respond")).toBeVisible();
  const asked = await world.testbed.asked(world.tag);
  expect(asked.map((request) => request.path)).not.toContain("/elsewhere");
  // A page cannot tell a redirect from no response, so the request is retried twice.
  expect(asked).toHaveLength(3);
  await app.expectBrief(TYPED);
});

test("a path without its slash is refused, and another path takes back the approvals", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(405));
  const tasks = world.testbed.plain("redirect307", world.tag);
  const server = await world.liveServer({ script: "exact-text", tasks });
  await app.open(server.address);
  await app.fillBrief(TYPED);
  await app.generate();
  await app.approveAll(3);
  await app.postWithDefaultToken(3, world.testbed.host);
  await expect(app.task("keep-the-order")).toContainText("Refused");
  await expect(app.foot).toContainText("the server refused the first task");
  await app.openTask("keep-the-order");
  const delivery = app.page.getByRole("tabpanel", { name: /^Delivery/ });
  await expect(delivery).toContainText("the same path with the trailing slash, and took no task");
  await app.closeTask();

  await app.settings();
  await app.dialog(/^Settings: /).getByRole("textbox", { name: "Path" }).fill("/tasks/");
  await app.saveSettings();
  await expect(app.heading("3 approvals were withdrawn: the task server of the connection changed")).toBeVisible();
  await app.approveAll(3);
  await app.post(3, world.testbed.host);
  await expect(app.heading(`Posted to ${world.testbed.host}: 3 delivered`)).toBeVisible();
  const stored = (await world.testbed.received("redirect307", world.tag)).filter((post) => post.stored);
  expect(stored).toHaveLength(3);
  expect(new Set(stored.map((post) => post.body)).size).toBe(3);
  await app.expectBrief(TYPED);
});

test("invalid tasks are shown with their violations and cannot be posted", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "invalid-tasks" });
  await app.open(server.address);
  await app.fillBrief({ ...TYPED, count: "5" });
  await app.generate();
  await expect(app.heading("Complete: 5 tasks, 2 valid, 3 invalid")).toBeVisible();
  const wrong = app.tasks.filter({ hasText: "Invalid" });
  await expect(wrong).toHaveCount(3);
  for (const [place, path, keyword] of [
    [0, "The whole task", "required"],
    [1, "The whole task", "additionalProperties"],
    [2, "/key", "pattern"],
  ] as const) {
    await wrong.nth(place).getByRole("button").first().click();
    await app.openJson();
    const violations = app.page.getByRole("list", { name: /^\d+ violations?$/ });
    await expect(violations).toContainText(keyword);
    await expect(violations.getByRole("button", { name: path })).toBeVisible();
    const approve = app.approveButton;
    await expect(approve).toHaveAttribute("aria-disabled", "true");
    await expect(approve).toHaveAccessibleDescription(/^Fix \d+ violations? first\.$/);
    await approve.click({ force: true });
    await expect(wrong.nth(place)).toContainText("Invalid");
  }
  await app.approveAll(2);
  await expect(app.foot).toContainText("2 of 5 tasks approved");

  // A task that was fixed by hand is like any other. It no longer depends on one that stays invalid.
  const fixed = (await app.editor.inputValue())
    .replace("Not A Key!", "fixed-by-hand")
    .replace(/"depends_on":\s*\[[^\]]*\]/, '"depends_on":[]');
  await app.editor.fill(fixed);
  await app.approveButton.click();
  await app.postWithDefaultToken(3, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const texts = (await server.tasks()).map((task) => task.text);
  expect(texts).toHaveLength(3);
  expect(texts).toContain(fixed);
});

test.describe("config.json", () => {
  for (const { what, config, error } of [
    { what: "that is not JSON", config: "{ not JSON", error: /^config\.json cannot be used: / },
    {
      what: "with an unknown member",
      config: '{"modell": {}}',
      error: /^config\.json cannot be used: .*modell/,
    },
    {
      what: "that holds a secret",
      config: '{"task_server": {"url": "https://tasks.example.com", "token": "hunter2-hunter2"}}',
      error: /^config\.json contains a secret at \/task_server\/token/,
    },
    {
      what: "with an address that must not be called",
      config: '{"task_server": {"url": "http://tasks.example.com"}}',
      error: /^config\.json/,
    },
  ]) {
    test(`${what} is reported and ignored, and the page works without it`, async ({ world, app }) => {
      const server = await world.taskServer({ config: () => ({}) });
      await app.open(server.address, DRY);
      await app.fillBrief(TYPED);
      await server.preset(config);
      await app.page.reload();
      const problem = app.page.getByRole("alert").filter({ has: app.heading(error) });
      await expect(problem).toBeVisible();
      await expect(app.page.locator("body")).not.toContainText("hunter2");
      expect(await everythingKept(app.page)).not.toContain("hunter2");
      await app.expectBrief(TYPED);
      await app.generateTasks(2, TYPED.goal);
      await problem.getByRole("button", { name: /^Dismiss/ }).click();
      await expect(problem).toBeHidden();
    });
  }
});

test.describe("a link", () => {
  test("to a new host is shown in full, and the host is used only if accepted", async ({
    world,
    app,
  }) => {
    const server = await world.liveServer({ script: "exact-text" });
    await app.open(server.address);
    await app.fillBrief(TYPED);
    const recorder = await Recorder.start(app.page, { gate: "open" });
    const link = `${server.address}/?host=https://tasks.example.com&port=8443&count=3`;
    await app.page.goto(link);
    const prompt = app.dialog("Use the task server from this link?");
    await expect(prompt).toContainText("https://tasks.example.com:8443/tasks");
    await prompt.getByRole("button", { name: "Do not use it" }).click();
    await expect(prompt).toBeHidden();
    await expect(app.button("Connection: Test bench")).toBeVisible();
    await app.expectBrief(TYPED);

    // The decision is remembered, for exactly this address and without the address itself.
    await app.page.reload();
    await expect(app.heading(/you rejected it before: https:\/\/tasks\.example\.com:8443\/tasks/)).toBeVisible();
    await expect(prompt).toHaveCount(0);
    await expect(app.button("Connection: Test bench")).toBeVisible();
    expect(await app.page.evaluate(() => JSON.stringify(localStorage))).not.toContain("example.com");
    const other = `${server.address}/?host=https://tasks.example.com&port=9443`;
    await app.page.goto(other);
    await prompt.getByRole("button", { name: "Use tasks.example.com:9443" }).click();
    await expect(app.button("Connection: tasks.example.com:9443")).toBeVisible();
    await app.page.goto(other);
    await expect(app.button("Connection: tasks.example.com:9443")).toBeVisible();
    await expect(prompt).toHaveCount(0);
    const sent = (await recorder.requests()).filter((line) => /example\.com:\d+\//.test(line));
    expect(sent).toEqual([]);

    // It was not saved: without the link the old connection is used.
    await app.open(server.address);
    await expect(app.button("Connection: Test bench")).toBeVisible();
  });

  test("to another path of the known task server asks as well, and keeps none of its settings", async ({
    world,
    app,
  }) => {
    const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
    const { port } = new URL(server.address);
    await app.page.goto(`${server.address}/?host=http://localhost:${port}/other-tenant`);
    const prompt = app.dialog("Use the task server from this link?");
    await expect(prompt).toContainText("/other-tenant/tasks");
    await prompt.getByRole("button", { name: /^Use / }).click();
    await app.press("Settings");
    const settings = app.dialog(/^Settings: /);
    await expect(settings.getByRole("textbox", { name: "Path" })).toHaveValue("/tasks");
    await expect(settings.getByRole("checkbox", { name: /Idempotency-Key/ })).not.toBeChecked();
  });

  test("to an address that must not be called is rejected with the reason", async ({ world, app }) => {
    const server = await world.liveServer({ script: "plain" });
    await app.open(`${server.address}/?host=http://tasks.example.com`);
    await expect(app.heading(/task server was ignored: .*unencrypted/i)).toBeVisible();
    await expect(app.button("Connection: Test bench")).toBeVisible();
    await expect(app.dialog("Use the task server from this link?")).toHaveCount(0);
  });

  test("that holds a secret is rejected, and the secret is removed from the address bar", async ({
    world,
    app,
  }) => {
    const secret = "hunter2-hunter2";
    const server = await world.liveServer({ script: "exact-text" });
    await app.open(`${server.address}/?count=3&token=${secret}`);
    await expect(app.heading(/the link contains a secret \(token\)/i)).toBeVisible();
    expect(app.page.url()).not.toContain(secret);
    await expect(app.page.locator("body")).not.toContainText(secret);
    expect(await everythingKept(app.page)).not.toContain(secret);
    await expect(app.field("Number of tasks")).toHaveValue("3");
  });

  test("with a count that is not a number is reported at the field", async ({ world, app }) => {
    const server = await world.liveServer({ script: "plain" });
    await app.open(`${server.address}/?count=ten`);
    await expect(app.field("Number of tasks")).toHaveValue("ten");
    await app.fillBrief({ goal: "Anything" });
    await app.generate();
    await expect(app.field("Number of tasks")).toHaveAccessibleDescription(/“ten” is not a whole number/);
  });
});

test("text that cannot be imported stays in the dialog with the error", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  await app.press("Import tasks…");
  const field = app.field("Tasks as JSON");
  await field.fill('{"key": "a"}\n{"key": ');
  await app.press("Import tasks");
  await expect(field).toHaveAccessibleDescription(/Line 2 is not JSON/i);
  await expect(field).toHaveValue('{"key": "a"}\n{"key": ');
});

/** Escapes a text for a regular expression. */
function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
