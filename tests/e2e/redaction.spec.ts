// Servers that repeat the secrets they were given, in every part of a response: the secrets are found
// only in the request headers that they belong to.
import { readFile } from "node:fs/promises";

import type { Page, Request } from "@playwright/test";

import type { AppPage } from "./app-page.ts";
import { everythingKept } from "./browser-storage.ts";
import { header } from "./servers.ts";
import { expect, statusLine, test, type World } from "./world.ts";

const DRY = "Dry run — nothing leaves this page";
/** The API key. It has characters that every encoding changes. */
const KEY = "sk-hunter2/long~key+&=";
/** A token that the plain task server accepts. */
const TOKEN = "changeme-renewed";

/** A secret as it is, and in the encodings in which it could be stored or sent. */
function forms(secret: string): string[] {
  const base64 = Buffer.from(secret).toString("base64").replace(/=+$/, "");
  const escaped = [...secret].map((c) => (/\w/.test(c) ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`));
  const percent = [...secret].map((c) => (/\w/.test(c) ? c : `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`));
  return [
    secret,
    encodeURIComponent(secret),
    percent.join(""),
    escaped.join(""),
    secret.replaceAll("/", "\\/"),
    secret.replaceAll("~", "~0").replaceAll("/", "~1"),
    secret.replaceAll("&", "&amp;"),
    base64,
    base64.replaceAll("+", "-").replaceAll("/", "_"),
    Buffer.from(secret).toString("hex"),
  ].map((form) => form.toLowerCase());
}

const FORMS = [...forms(KEY), ...forms(TOKEN)];

/** Expects that a text holds neither secret in any form. */
function expectNoSecret(text: string, what: string): void {
  const lower = text.toLowerCase();
  for (const form of FORMS) expect(lower.includes(form), `${form} in ${what}`).toBe(false);
}

/** Everything that a page sends and logs. */
class Witness {
  private readonly requests: Request[] = [];
  private readonly lines: string[] = [];

  constructor(private readonly page: Page) {
    page.on("request", (request) => this.requests.push(request));
    page.on("console", (message) => {
      // The browser itself logs the status line of an error, which no page can prevent.
      if (!/^Failed to load resource: the server responded/.test(message.text())) this.lines.push(message.text());
    });
    page.on("pageerror", (error) => this.lines.push(`${error.message} ${error.stack}`));
  }

  /** Expects that the secrets are only in the headers that they belong to. */
  async expectNoLeak(world: World): Promise<void> {
    for (const request of this.requests) {
      const url = request.url();
      const headers = await request.allHeaders();
      const isModel = url.startsWith(`${world.testbed.address}/scripted/`);
      const isTaskServer = url.startsWith(`${world.testbed.address}/plain/`);
      if (isModel && headers.authorization === `Bearer ${KEY}`) delete headers.authorization;
      if (isTaskServer && headers["x-agent-token"] === TOKEN) delete headers["x-agent-token"];
      expectNoSecret(`${url} ${JSON.stringify(headers)} ${request.postData() ?? ""}`, `a request to ${url}`);
      // Cookies belong to a host, whatever the port, so the browser sends them with the page itself.
      if (isModel || isTaskServer) expect(headers.cookie, `a cookie for ${url}`).toBeUndefined();
    }
    expectNoSecret(this.lines.join("\n"), "the console");
    expectNoSecret(await everythingKept(this.page), "what the browser keeps");
    const shown = await this.page.evaluate(() => {
      const fields = [...document.querySelectorAll<HTMLInputElement>("input, textarea")];
      return [document.documentElement.outerHTML, document.title, ...fields.map((field) => field.value)].join("\n");
    });
    expectNoSecret(shown, "the page");
  }
}

/** Starts a server whose page calls this script with a key and posts to a plain server. */
function serverFor(world: World, script: string, variant = "ok200") {
  return world.taskServer({
    config: () => ({
      connection: "Test bench",
      model: { base_url: world.testbed.model(script, world.tag), model: "scripted", needs_key: true },
      task_server: { url: world.testbed.plain(variant, world.tag) },
    }),
  });
}

/** Generates live and enters the API key. */
async function generateWithKey(app: AppPage, host: string): Promise<void> {
  await app.fillBrief({ goal: "Tidy the archive", count: "3" });
  await app.page.getByText("Live", { exact: true }).click();
  await app.generate();
  const prompt = app.dialog(`API key for ${host}`);
  await prompt.getByRole("textbox", { name: "API key" }).fill(KEY);
  await prompt.getByRole("button", { name: "Use API key", exact: true }).click();
}

/** Saves the receipts in both formats. */
async function receipts(app: AppPage): Promise<string> {
  await app.press("Export receipts…");
  const texts: string[] = [];
  for (const name of ["Save as JSON Lines", "Save as CSV"]) {
    const downloading = app.page.waitForEvent("download");
    await app.dialog("Receipts for this run").getByRole("button", { name }).click();
    texts.push(await readFile(await (await downloading).path(), "utf8"));
  }
  return texts.join("\n");
}

for (const { script, heading, console } of [
  { script: "echo-401", heading: /^The model endpoint rejected the API key: 401/, console: [statusLine(401)] },
  { script: "echo-html", heading: /502/, console: [statusLine(502)] },
  { script: "echo-in-stream", heading: /^The model endpoint reported an error$/, console: [] },
  { script: "echo-in-prose", heading: /^Complete: 3 tasks, all valid$/, console: [] },
] as const) {
  test(`an API key that the endpoint repeats is nowhere but in its header: ${script}`, async ({
    world,
    app,
    complaints,
  }) => {
    complaints.allow(...console);
    const server = await serverFor(world, script);
    // A cookie of the endpoint, which must not be sent.
    await app.page.context().addCookies([{ name: "session", value: "of-another-page", url: world.testbed.address }]);
    const witness = new Witness(app.page);
    await app.open(server.address, DRY);
    await generateWithKey(app, world.testbed.host);
    await expect(app.heading(heading).first()).toBeVisible({ timeout: 20_000 });
    await witness.expectNoLeak(world);
    const asked = await world.testbed.asked(world.tag);
    expect(asked.length).toBeGreaterThan(0);
    for (const request of asked) {
      expect(header(request.headers, "authorization")).toBe(`Bearer ${KEY}`);
      expect(header(request.headers, "cookie")).toBeUndefined();
      expectNoSecret(request.body, "a request body");
    }
    // What was stored is shown again.
    await app.page.reload();
    await expect(app.heading(heading).first()).toBeVisible();
    await witness.expectNoLeak(world);
  });
}

for (const { variant, state, console } of [
  { variant: "echo_401", state: null, console: [statusLine(401)] },
  { variant: "echo_422", state: "Refused", console: [statusLine(422)] },
  { variant: "echo_500", state: "Unconfirmed", console: [statusLine(500)] },
  { variant: "echo_html", state: "Unconfirmed", console: [statusLine(502)] },
  { variant: "echo_receipt", state: "Delivered", console: [] },
] as const) {
  test(`a token that the task server repeats is nowhere but in its header: ${variant}`, async ({
    world,
    app,
    complaints,
  }) => {
    complaints.allow(...console);
    const { host } = world.testbed;
    const server = await serverFor(world, "plain", variant);
    await app.page.context().addCookies([{ name: "session", value: "of-another-page", url: world.testbed.address }]);
    const witness = new Witness(app.page);
    await app.open(server.address, DRY);
    await generateWithKey(app, host);
    await expect(app.heading("Complete: 3 tasks, all valid")).toBeVisible();
    await app.approveAll(3);
    await app.post(3, host);
    await app.enterToken(host, TOKEN);
    if (state === null) {
      const prompt = app.dialog(`Agent token for ${host}`);
      await expect(prompt.getByRole("textbox")).toHaveAccessibleDescription(/rejected the agent token/);
      await app.press("Cancel");
    } else {
      await expect(app.tasks.filter({ hasText: state }).first()).toBeVisible({ timeout: 20_000 });
      expectNoSecret(await receipts(app), "the receipts");
      await app.page.keyboard.press("Escape");
    }
    for (const task of await app.tasks.all()) {
      await task.getByRole("button").first().click();
      await app.deliveryTab();
      await witness.expectNoLeak(world);
    }
    const received = await world.testbed.received(variant, world.tag);
    expect(received.length).toBeGreaterThan(0);
    for (const post of received) {
      expect(header(post.headers, "x-agent-token")).toBe(TOKEN);
      expect(header(post.headers, "cookie")).toBeUndefined();
      expectNoSecret(post.body, "a posted body");
    }
  });
}

test("a task that contains the API key is shown unchanged, is invalid, and is not posted", async ({ world, app }) => {
  const { host } = world.testbed;
  const server = await serverFor(world, "echo-in-task");
  await app.open(server.address, DRY);
  await generateWithKey(app, host);
  await expect(app.heading("Complete: 3 tasks, 2 valid, 1 invalid")).toBeVisible();
  await app.tasks.first().getByRole("button").first().click();
  await app.openJson();
  await expect(app.editor).toHaveValue(new RegExp("Use sk-hunter2/long"));
  await expect(app.page.getByText("the task contains the API key").first()).toBeVisible();
  await expect(app.approveButton).toBeDisabled();
  await app.closeTask();
  await app.approveAll(2);
  await app.post(2, host);
  await app.enterToken(host, TOKEN);
  // The other tasks depend on it.
  await expect(app.page.getByText(/^2 tasks wait for /).first()).toBeVisible();
  expect(await world.testbed.received("ok200", world.tag)).toEqual([]);
});

test("a task that contains a token which is entered afterwards is not posted", async ({ world, app }) => {
  const { host } = world.testbed;
  const server = await serverFor(world, "plain");
  await app.open(server.address, DRY);
  await generateWithKey(app, host);
  await expect(app.heading("Complete: 3 tasks, all valid")).toBeVisible();
  await app.tasks.first().getByRole("button").first().click();
  await app.openJson();
  const text = await app.editor.inputValue();
  await app.editor.fill(text.replace(/"instructions":\s*"/, `$&Log in with ${TOKEN}. `));
  await app.approveButton.click();
  await app.closeTask();
  await app.post(1, host);
  await app.enterToken(host, TOKEN);
  await expect(app.page.getByText("Task 1 contains the agent token").first()).toBeVisible();
  expect(await world.testbed.received("ok200", world.tag)).toEqual([]);
});

test.describe("a secret in the link", () => {
  for (const [name, path] of [
    ["under a secret name", "/?count=2&AGENT_API_TOKEN=hunter2-of-the-link"],
    ["under an unknown name", "/?count=2&x=ghp_hunter2-of-the-link"],
    ["in the fragment", "/?count=2#access_token=hunter2-of-the-link"],
  ] as const) {
    test(`${name} is removed from the address bar and leaves no trace`, async ({ world, app }) => {
      const server = await world.liveServer({ script: "plain" });
      await app.page.goto(server.address + path);
      await expect(app.page.getByText("The link contains a secret").first()).toBeVisible();
      expect(new URL(app.page.url()).search + new URL(app.page.url()).hash).toBe("");
      const kept = await everythingKept(app.page);
      expect(kept).not.toContain("hunter2-of-the-link");
      const digests = await app.page.evaluate(() => JSON.stringify({ ...sessionStorage }));
      expect(digests, "no digest of the link").not.toMatch(/[0-9a-f]{64}/);
    });
  }
});
