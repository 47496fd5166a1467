// What bad input gets: a clear error that says what and what next, and nothing typed is lost.
import type { Brief, Desk } from "./desk.ts";
import { everythingKept } from "./browser-storage.ts";
import { Recorder } from "./recorder.ts";
import { header } from "./servers.ts";
import { expect, NO_ANSWER, statusLine, test } from "./world.ts";

const DRY = "Dry run — nothing leaves this page";

/** A brief with something in every field, to be found again after whatever went wrong. */
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
      error: "The goal is empty. Say what should be done.",
    },
    {
      what: "a count of 0",
      typed: { ...TYPED, count: "0" },
      field: "How many tasks",
      error: "0 tasks would be none. Type a number from 1 to 500.",
    },
    {
      what: "a count of 501",
      typed: { ...TYPED, count: "501" },
      field: "How many tasks",
      error: "501 is more than one run takes. Type a number from 1 to 500",
    },
    {
      what: "a count of “ten”",
      typed: { ...TYPED, count: "ten" },
      field: "How many tasks",
      error: "“ten” is not a whole number. Type a number from 1 to 500.",
    },
  ]) {
    test(`${what} is said at its field, and nothing starts`, async ({ world, desk }) => {
      const server = await world.liveServer({ script: "plain" });
      await desk.open(server.address);
      await desk.write(typed);
      await desk.generate();
      await expect(desk.field(field)).toHaveAccessibleDescription(new RegExp(escape(error)));
      await expect(desk.field(field)).toHaveAttribute("aria-invalid", "true");
      await expect(desk.field(field)).toBeFocused();
      await desk.expectBrief(typed);
      await expect(desk.tasks).toHaveCount(0);
      expect(await world.testbed.asked(world.tag)).toEqual([]);

      await desk.write(TYPED);
      await expect(desk.field(field)).not.toHaveAttribute("aria-invalid", "true");
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
      schema: '{"type": "obiect"}',
      error: "The schema is not a valid JSON Schema",
    },
    {
      what: "a schema with a remote reference",
      schema: '{"type": "object", "properties": {"a": {"$ref": "https://schemas.example.com/a.json"}}}',
      error: "The schema refers to https://schemas.example.com/a.json, which is not part of it",
    },
  ]) {
    test(`${what} is refused, kept in its field, and nothing is fetched`, async ({ world, desk }) => {
      const server = await world.liveServer({ script: "plain" });
      await desk.open(server.address);
      await desk.write(TYPED);
      const recorder = await Recorder.start(desk.page, { gate: "open" });
      const settings = await desk.settings();
      await settings.getByText("Your own", { exact: true }).click();
      const field = settings.getByRole("textbox", { name: "JSON Schema of one task" });
      await field.fill(schema);
      await desk.saveSettings();
      await expect(settings.getByText(new RegExp(escape(error), "i"))).toBeVisible();
      await expect(field).toHaveValue(schema);
      await settings.getByRole("button", { name: "Cancel" }).click();
      await desk.expectBrief(TYPED);
      expect(await recorder.requests()).toEqual([]);
      // The schema of before still rules.
      await desk.makeTasks(3);
    });
  }

  for (const { field, given, error } of [
    {
      field: "Base URL",
      given: "http://models.example.com/v1",
      error: "Http://models.example.com would send secrets unencrypted over the network. Use https://",
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
    test(`${given} is refused as ${field}, with what to give instead`, async ({ world, desk }) => {
      const server = await world.liveServer({ script: "plain" });
      await desk.open(server.address);
      await desk.write(TYPED);
      const settings = await desk.settings();
      const typed = settings.getByRole("textbox", { name: field, exact: true }).or(
        settings.getByRole("combobox", { name: field, exact: true }),
      );
      await typed.fill(given);
      await desk.saveSettings();
      await expect(typed).toHaveAccessibleDescription(new RegExp(escape(error)));
      await expect(typed).toBeFocused();
      await expect(typed).toHaveValue(given);
      await settings.getByRole("button", { name: "Cancel" }).click();
      await desk.expectBrief(TYPED);
      await expect(desk.modeBand).toHaveText("Live → Test bench");
    });
  }
});

test.describe("the model's key", () => {
  const KEY = "sk-e2e-0123456789abcdef";

  test("is asked for where the endpoint wants one, used, and kept nowhere", async ({
    world,
    desk,
  }) => {
    const model = { base_url: world.testbed.model("needs-key", world.tag), model: "scripted" };
    const server = await world.taskServer({
      config: () => ({ connection: "Keyed", model: { ...model, needs_key: true } }),
    });
    await desk.open(server.address, DRY);
    await expect(
      desk.page.getByText(`There is no key for ${world.testbed.host} yet, so this is a dry run.`),
    ).toBeVisible();
    await desk.write(TYPED);
    await desk.page.getByText("Live", { exact: true }).click();
    await desk.generate();
    const question = desk.dialog(`Key for ${world.testbed.host}`);
    await expect(question).toBeVisible();
    expect(await world.testbed.asked(world.tag), "nothing is sent without it").toEqual([]);
    await question.getByRole("textbox", { name: "API key" }).fill(KEY);
    await question.getByRole("button", { name: "Use the key", exact: true }).click();
    await expect(desk.heading("Complete: 3 tasks, all valid")).toBeVisible();
    await desk.approveAll(3);

    const [request, ...more] = await world.testbed.asked(world.tag);
    expect(more).toEqual([]);
    expect(header(request?.headers ?? [], "authorization")).toBe(`Bearer ${KEY}`);
    expect(request?.body).not.toContain(KEY);
    expect(await everythingKept(desk.page)).not.toContain(KEY);
    expect(await desk.page.content()).not.toContain(KEY);
    await desk.expectBrief(TYPED);
  });

  test("is asked for after a 401, and the run goes on with it at the next try", async ({
    world,
    desk,
    complaints,
  }) => {
    complaints.allow(statusLine(401));
    const server = await world.liveServer({ script: "needs-this-key" });
    await desk.open(server.address);
    await desk.write(TYPED);
    await desk.generate();
    await expect(desk.heading(/^The model endpoint refused the key: 401/)).toBeVisible();
    await desk.press("Enter another key");
    const question = desk.dialog(`Key for ${world.testbed.host}`);
    await question.getByRole("textbox", { name: "API key" }).fill("testbed-key");
    await question.getByRole("button", { name: "Use the key", exact: true }).click();
    await desk.press("Generate again");
    await expect(desk.heading("Complete: 3 tasks, all valid")).toBeVisible();
    await desk.expectBrief(TYPED);
  });

  test("that cannot be one is refused in its dialog, and the dialog stays", async ({ world, desk }) => {
    const model = { base_url: world.testbed.model("needs-key", world.tag), model: "scripted" };
    const server = await world.taskServer({ config: () => ({ model: { ...model, needs_key: true } }) });
    await desk.open(server.address, DRY);
    await desk.write(TYPED);
    await desk.page.getByText("Live", { exact: true }).click();
    await desk.generate();
    const question = desk.dialog(/^Key for /);
    const field = question.getByRole("textbox", { name: "API key" });
    for (const wrong of ["", "schlüssel"]) {
      await field.fill(wrong);
      await question.getByRole("button", { name: "Use the key", exact: true }).click();
      await expect(field).toHaveAttribute("aria-invalid", "true");
      await expect(field).toBeFocused();
    }
    await question.getByRole("button", { name: "Cancel" }).click();
    await desk.expectBrief(TYPED);
    expect(await world.testbed.asked(world.tag)).toEqual([]);
  });
});

test("a wrong token pauses the batch; the right one goes on with the same task and key", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(statusLine(401));
  const right = "a-token-of-this-test";
  const server = await world.liveServer({ script: "exact-text", tokens: right, honoursKeys: true });
  await desk.open(server.address);
  await desk.write(TYPED);
  await desk.generate();
  await desk.approveAll(3);
  const texts = await desk.texts();
  await desk.post(3, server.host);
  await desk.giveToken(server.host, "changeme");

  // It asks again at once, and says why.
  const question = desk.dialog(`Token for ${server.host}`);
  await expect(question.getByRole("textbox", { name: "Agent token" })).toHaveAccessibleDescription(
    /does not accept the token/,
  );
  expect(await server.tasks()).toEqual([]);
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(desk.foot).toContainText("the server refused the token (401)");
  await expect(desk.task("keep-the-digits")).toContainText("Queued");

  await desk.foot.getByRole("button", { name: /token$/ }).click();
  await desk.giveToken(server.host, right);
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();

  const stored = await server.tasks();
  expect(stored.map((task) => task.text)).toEqual(texts);
  await desk.openTask("keep-the-order");
  const delivery = await desk.deliveryTab();
  await expect(delivery.getByRole("list", { name: "Attempts" }).getByRole("listitem")).toHaveText([
    /Token refused: 401/,
    /Delivered: 201/,
  ]);
  await expect(delivery).toContainText(stored[0]?.idempotencyKey ?? "a key");
  await desk.expectBrief(TYPED);
  expect(await everythingKept(desk.page)).not.toContain(right);
});

test("a task server that is down leaves one task unknown, spares the others and resends nothing", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(NO_ANSWER);
  const server = await world.liveServer({ script: "exact-text" });
  await desk.open(server.address);
  await desk.write(TYPED);
  await desk.generate();
  await desk.approveAll(3);
  await server.stop();
  const recorder = await Recorder.start(desk.page, { gate: "open" });
  await desk.postWithDefaultToken(3, server.host);
  await expect(desk.task("keep-the-order")).toContainText("Unknown");
  await expect(desk.foot).toContainText("the server is in trouble");
  await expect(desk.task("keep-the-digits")).toContainText("Queued");
  await expect(desk.task("keep-the-space")).toContainText("Queued");

  // It comes back: the two that never left go on, the unknown one waits for a decision.
  const back = await world.again(server);
  await desk.press("Resume posting");
  await expect(desk.heading(`Posted to ${server.host}: 2 delivered and 1 unconfirmed`)).toBeVisible();
  expect(await back.tasks()).toHaveLength(2);
  const posts = (await recorder.requests()).filter((line) => line.startsWith("POST: "));
  expect(posts).toHaveLength(3);
  await desk.expectBrief(TYPED);
});

test("a model endpoint that answers with a web page is named as what it is", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "html-200" });
  await desk.open(server.address);
  await desk.write(TYPED);
  await desk.generate();
  await expect(desk.heading("A web page answered in place of a model")).toBeVisible();
  await expect(desk.button("Change the settings")).toBeVisible();
  await expect(desk.page.getByText(/^What the endpoint sent, \d+ characters$/)).toBeVisible();
  await desk.expectBrief(TYPED);
});

test("a model endpoint that redirects is not followed", async ({ world, desk, complaints }) => {
  complaints.allow(NO_ANSWER, /redirect/);
  const server = await world.liveServer({ script: "redirect" });
  await desk.open(server.address);
  await desk.write(TYPED);
  await desk.generate();
  await expect(desk.heading("The model endpoint did not answer")).toBeVisible();
  const asked = await world.testbed.asked(world.tag);
  expect(asked.map((request) => request.path)).not.toContain("/elsewhere");
  // To a page a redirect looks like no answer at all, which is tried again twice.
  expect(asked).toHaveLength(3);
  await desk.expectBrief(TYPED);
});

test("a task server that redirects took nothing; with the slash the same task goes through", async ({
  world,
  desk,
}) => {
  const tasks = world.testbed.plain("redirect307", world.tag);
  const server = await world.liveServer({ script: "exact-text", tasks });
  await desk.open(server.address);
  await desk.write(TYPED);
  await desk.generate();
  await desk.approveAll(3);
  await desk.postWithDefaultToken(3, world.testbed.host);
  await expect(desk.task("keep-the-order")).toContainText("Refused");
  await expect(desk.foot).toContainText("the first task was not taken");
  await desk.openTask("keep-the-order");
  const delivery = desk.page.getByRole("tabpanel", { name: /^Delivery/ });
  await expect(delivery).toContainText("with or without the slash at its end");
  await desk.closeTask();

  await desk.press("Check the settings");
  await desk.dialog(/^Settings of /).getByRole("textbox", { name: "Path" }).fill("/tasks/");
  await desk.saveSettings();
  await desk.press("Resume posting");
  await expect(desk.task("keep-the-space")).toContainText("Delivered");
  await desk.press("Send keep-the-order again");
  await expect(desk.heading(`Posted to ${world.testbed.host}: 3 delivered`)).toBeVisible();
  const stored = (await world.testbed.received("redirect307", world.tag)).filter((post) => post.stored);
  expect(stored).toHaveLength(3);
  expect(new Set(stored.map((post) => post.body)).size).toBe(3);
  await desk.expectBrief(TYPED);
});

test("invalid tasks of the model are shown with their violations and cannot be posted", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "invalid-tasks" });
  await desk.open(server.address);
  await desk.write({ ...TYPED, count: "5" });
  await desk.generate();
  await expect(desk.heading("Complete: 5 tasks, 2 valid, 3 to mend")).toBeVisible();
  const wrong = desk.tasks.filter({ hasText: "Invalid" });
  await expect(wrong).toHaveCount(3);
  for (const [place, path, keyword] of [
    [0, "The whole task", "required"],
    [1, "The whole task", "additionalProperties"],
    [2, "/key", "pattern"],
  ] as const) {
    await wrong.nth(place).getByRole("button").first().click();
    const violations = desk.page.getByRole("list", { name: /^\d+ violations?$/ });
    await expect(violations).toContainText(keyword);
    await expect(violations.getByRole("button", { name: path })).toBeVisible();
    const approve = desk.button("Approve");
    await expect(approve).toHaveAttribute("aria-disabled", "true");
    await expect(approve).toHaveAccessibleDescription(/violations? to mend first/);
    await approve.click({ force: true });
    await expect(wrong.nth(place)).toContainText("Invalid");
  }
  await desk.approveAll(2);
  await expect(desk.foot).toContainText("2 of 5 tasks approved");

  // Mended by hand, a task is like any other; it no longer waits for one that stays invalid.
  const mended = (await desk.editor.inputValue())
    .replace("Not A Key!", "mended-by-hand")
    .replace(/"depends_on":\s*\[[^\]]*\]/, '"depends_on":[]');
  await desk.editor.fill(mended);
  await desk.press("Approve");
  await desk.postWithDefaultToken(3, server.host);
  await expect(desk.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const texts = (await server.tasks()).map((task) => task.text);
  expect(texts).toHaveLength(3);
  expect(texts).toContain(mended);
});

test.describe("config.json", () => {
  for (const { what, config, error } of [
    { what: "that is broken", config: "{ not JSON", error: /^config\.json cannot be used: / },
    {
      what: "with a member that nobody knows",
      config: '{"modell": {}}',
      error: /^config\.json cannot be used: .*modell/,
    },
    {
      what: "that holds a secret",
      config: '{"task_server": {"url": "https://tasks.example.com", "token": "hunter2-hunter2"}}',
      error: /^config\.json holds a secret, at \/task_server\/token/,
    },
    {
      what: "with an address that may not be called",
      config: '{"task_server": {"url": "http://tasks.example.com"}}',
      error: /^config\.json/,
    },
  ]) {
    test(`${what} is said, not used, and the page goes on`, async ({ world, desk }) => {
      const server = await world.taskServer({ config: () => ({}) });
      await desk.open(server.address, DRY);
      await desk.write(TYPED);
      await server.preset(config);
      await desk.page.reload();
      const problem = desk.page.getByRole("alert").filter({ has: desk.heading(error) });
      await expect(problem).toBeVisible();
      await expect(desk.page.locator("body")).not.toContainText("hunter2");
      expect(await everythingKept(desk.page)).not.toContain("hunter2");
      await desk.expectBrief(TYPED);
      await desk.makeTasks(2, TYPED.goal);
      await problem.getByRole("button", { name: /^Dismiss/ }).click();
      await expect(problem).toBeHidden();
    });
  }
});

test.describe("a link", () => {
  test("to a host that is new is shown in full and used only when accepted", async ({
    world,
    desk,
  }) => {
    const server = await world.liveServer({ script: "exact-text" });
    await desk.open(server.address);
    await desk.write(TYPED);
    const recorder = await Recorder.start(desk.page, { gate: "open" });
    const link = `${server.address}/?host=https://tasks.example.com&port=8443&count=3`;
    await desk.page.goto(link);
    const question = desk.dialog("A link wants to use this host");
    await expect(question).toContainText("https://tasks.example.com:8443/tasks");
    await question.getByRole("button", { name: "Do not use it" }).click();
    await expect(question).toBeHidden();
    await expect(desk.button("Connection: Test bench")).toBeVisible();
    await desk.expectBrief(TYPED);

    await desk.page.reload();
    await question.getByRole("button", { name: "Use tasks.example.com:8443" }).click();
    await expect(desk.button("Connection: tasks.example.com:8443")).toBeVisible();
    expect((await recorder.requests()).filter((line) => line.includes("example.com:8443/"))).toEqual([]);

    // It was never saved: without the link everything is as before.
    await desk.open(server.address);
    await expect(desk.button("Connection: Test bench")).toBeVisible();
  });

  test("to an address that may not be called is refused with the reason", async ({ world, desk }) => {
    const server = await world.liveServer({ script: "plain" });
    await desk.open(`${server.address}/?host=http://tasks.example.com`);
    await expect(desk.heading(/task server was ignored: .*unencrypted/i)).toBeVisible();
    await expect(desk.button("Connection: Test bench")).toBeVisible();
    await expect(desk.dialog("A link wants to use this host")).toHaveCount(0);
  });

  test("that holds a secret is not used, and leaves the address bar and the page", async ({
    world,
    desk,
  }) => {
    const secret = "hunter2-hunter2";
    const server = await world.liveServer({ script: "exact-text" });
    await desk.open(`${server.address}/?count=3&token=${secret}`);
    await expect(desk.heading(/the link contains a secret \(token\)/i)).toBeVisible();
    expect(desk.page.url()).not.toContain(secret);
    await expect(desk.page.locator("body")).not.toContainText(secret);
    expect(await everythingKept(desk.page)).not.toContain(secret);
    await expect(desk.field("How many tasks")).toHaveValue("3");
  });

  test("with a count that is none says so at the field", async ({ world, desk }) => {
    const server = await world.liveServer({ script: "plain" });
    await desk.open(`${server.address}/?count=ten`);
    await expect(desk.field("How many tasks")).toHaveValue("ten");
    await desk.write({ goal: "Anything" });
    await desk.generate();
    await expect(desk.field("How many tasks")).toHaveAccessibleDescription(/“ten” is not a whole number/);
  });
});

test("text that is no task stays in the paste dialog with what is wrong with it", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await desk.open(server.address);
  await desk.press("Paste tasks as JSON");
  const field = desk.field("Tasks as JSON");
  await field.fill('{"key": "a"}\n{"key": ');
  await desk.press("Add the tasks");
  await expect(field).toHaveAccessibleDescription(/line 2 is not JSON/i);
  await expect(field).toHaveValue('{"key": "a"}\n{"key": ');
});

/** A text as part of a regular expression. */
function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
