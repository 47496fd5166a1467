// The page reads its secrets from a real OpenBao.
import type { Request } from "@playwright/test";

import type { AppPage } from "../e2e/app-page.ts";
import type { TaskServer } from "../e2e/servers.ts";
import { expect, NO_RESPONSE, NOT_READABLE, statusLine, test, type World } from "../e2e/world.ts";
import { OpenBao } from "./open-bao.ts";

const TOKEN = "the-agent-token";

let bao: OpenBao;

test.beforeEach(async () => {
  bao = await OpenBao.start();
});
test.afterEach(() => bao?.stop());

interface Options {
  /** Members of `vault` in `config.json`, beside the address. */
  vault?: Record<string, unknown>;
  /** The tokens that the task server accepts. */
  tokens?: string;
  /** Whether the model endpoint requires an API key. */
  needsKey?: boolean;
  /** The limits of the model endpoint. */
  limits?: Record<string, number>;
  /** Whether OpenBao does not allow the page. */
  isForbidden?: boolean;
}

/** Opens the page with a connection whose secrets are in OpenBao. */
async function open(world: World, app: AppPage, options: Options = {}): Promise<TaskServer> {
  const server = await world.taskServer({
    tokens: options.tokens ?? TOKEN,
    config: (url) => ({
      connection: "Vault",
      model: {
        base_url: world.testbed.model("plain", world.tag),
        model: "scripted",
        needs_key: options.needsKey ?? false,
        ...(options.limits ? { limits: options.limits } : {}),
      },
      task_server: { url, honours_idempotency_keys: true },
      vault: { address: bao.address, secrets_path: "secret/agent", ...options.vault },
    }),
  });
  await bao.allow(options.isForbidden ? "http://127.0.0.1:1" : server.address);
  await app.open(server.address);
  return server;
}

/** Makes tasks and posts them, up to the question that comes next. */
async function post(app: AppPage, server: TaskServer, count: number): Promise<void> {
  await app.generateTasks(count);
  await app.approveAll(count);
  await app.post(count, server.host);
}

/** Writes the agent token to KV version 2. */
async function write(token: string): Promise<void> {
  await bao.call("POST", "secret/data/agent", { data: { AGENT_API_TOKEN: token } });
}

function signInDialog(app: AppPage) {
  return app.dialog(`Sign in to Vault at ${bao.host}`);
}

async function signIn(app: AppPage, kind: string, secret: string, userName?: string): Promise<void> {
  const dialog = signInDialog(app);
  await dialog.getByRole("group", { name: "Sign in with" }).getByText(kind, { exact: true }).click();
  if (userName) await dialog.getByRole("textbox", { name: "User name" }).fill(userName);
  await dialog.locator("#vault-secret").fill(secret);
  await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** The requests of the page to OpenBao: method and path. */
function requests(app: AppPage): string[] {
  const sent: string[] = [];
  app.page.on("request", (request: Request) => {
    if (request.url().startsWith(`${bao.address}/`) && request.method() !== "OPTIONS") {
      sent.push(`${request.method()} ${request.url().slice(bao.address.length + 4)}`);
    }
  });
  return sent;
}

/** The prompt for the agent token, after the Vault had none. */
function prompt(app: AppPage, server: TaskServer) {
  return app.dialog(`Agent token for ${server.host}`).getByRole("textbox", { name: "Agent token" });
}

async function delivered(app: AppPage, server: TaskServer, count: number): Promise<void> {
  await expect(app.heading(`Posted to ${server.host}: ${count} delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(count);
}

test("the agent token is read after a sign-in by user name, and the token obtained can be revoked", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(400));
  await write(TOKEN);
  await bao.user("ann", "pass word ä");
  const server = await open(world, app, { vault: { sign_in: "userpass", user_name: "ann" } });
  const sent = requests(app);
  await post(app, server, 3);
  await signIn(app, "User name", "wrong");
  await expect(signInDialog(app)).toContainText("The Vault rejected the sign-in: invalid username or password.");
  await signIn(app, "User name", "pass word ä");
  await delivered(app, server, 3);
  expect(sent).toEqual([
    "POST auth/userpass/login/ann",
    "POST auth/userpass/login/ann",
    "GET sys/internal/ui/mounts/secret/agent",
    "GET secret/data/agent",
  ]);
  // Nothing that was entered or read is stored.
  const stored = await app.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  for (const secret of [TOKEN, "pass word", "s."]) expect(stored).not.toContain(`"${secret}`);
  const settings = await app.settings();
  await expect(settings).toContainText(/The Vault token for .* ends in about (one hour|60 minutes), and is renewed/);
  await expect(settings).toContainText("Policies: default and reader.");
  await settings.getByRole("button", { name: "Revoke the Vault token" }).click();
  await expect(settings.getByRole("button", { name: "Revoke the Vault token" })).toHaveCount(0);
  expect(sent.at(-1)).toBe("POST auth/token/revoke-self");
});

test("KV version 1 has the API key as well, and is read with a pasted token, which is never revoked", async ({
  world,
  app,
}) => {
  await bao.call("POST", "sys/mounts/kv", { type: "kv", options: { version: "1" } });
  await bao.call("POST", "kv/team/agent", { queue: TOKEN, OPENAI_API_KEY: "the-api-key" });
  const server = await open(world, app, {
    vault: { mount: "kv", secrets_path: "team/agent", agent_token_field: "queue" },
    needsKey: true,
  });
  await app.fillBrief({ goal: "Tidy the archive", count: "2" });
  await app.generate();
  await expect(signInDialog(app)).toContainText("the API key for ");
  await signIn(app, "Token", "root");
  await expect(app.tasks).toHaveCount(2);
  await app.approveAll(2);
  // Both secrets were read at once.
  await app.post(2, server.host);
  await delivered(app, server, 2);
  const settings = await app.settings();
  await expect(settings).toContainText(`The Vault token for ${bao.address} does not end. Policies: root.`);
  await expect(settings.getByRole("button", { name: "Revoke the Vault token" })).toHaveCount(0);
});

test("a wrapped token is unwrapped once", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(400));
  await write(TOKEN);
  const wrapped = await bao.wrappedToken();
  const used = await bao.wrappedToken();
  await bao.call("POST", "sys/wrapping/unwrap", undefined, { "X-Vault-Token": used });
  const server = await open(world, app);
  await post(app, server, 2);
  await signIn(app, "Wrapped", used);
  await expect(signInDialog(app)).toContainText("The wrapping token is not valid");
  await expect(signInDialog(app)).toContainText("somebody else may have");
  await signIn(app, "Wrapped", wrapped);
  await delivered(app, server, 2);
});

test("a rotated token is read again in the middle of a batch, and nobody is asked", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(401));
  await write("the-old-token");
  const server = await open(world, app, { tokens: "the-old-token,the-new-token" });
  let posts = 0;
  await app.page.route(`${server.address}/tasks`, async (route) => {
    posts += 1;
    const headers = await route.request().allHeaders();
    const isRevoked = headers["x-agent-token"] === "the-old-token" && posts > 3;
    if (isRevoked) await write("the-new-token");
    const response = await route.fetch({
      headers: { ...headers, ...(isRevoked ? { "x-agent-token": "revoked" } : {}) },
    });
    await route.fulfill({ response });
  });
  await post(app, server, 8);
  await signIn(app, "Token", await bao.token("1h"));
  await delivered(app, server, 8);
});

test("a key and a token that change during a batch lose nothing, double nothing and ask nobody", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(401));
  const store = (key: string, token: string) =>
    bao.call("POST", "secret/data/agent", { data: { OPENAI_API_KEY: key, AGENT_API_TOKEN: token } });
  await store("key-1", "token-1");
  const server = await open(world, app, {
    tokens: "token-1,token-2",
    needsKey: true,
    limits: { tasks_per_request: 2 },
  });
  const keys: string[] = [];
  await app.page.route("**/chat/completions", async (route) => {
    const key = (await route.request().allHeaders())["authorization"] ?? "";
    keys.push(key);
    if (keys.length === 1 || key === "Bearer key-2") return route.continue();
    await store("key-2", "token-1");
    const headers = { "access-control-allow-origin": "*" };
    await route.fulfill({ status: 401, headers, json: { error: { message: "expired" } } });
  });
  await app.fillBrief({ goal: "Tidy the archive", count: "6" });
  await app.generate();
  await signIn(app, "Token", await bao.token("1h"));
  await expect(app.heading("Complete: 6 tasks, all valid")).toBeVisible();
  expect(keys).toEqual(["Bearer key-1", "Bearer key-1", "Bearer key-2", "Bearer key-2"]);
  await expect(app.tasks).toHaveCount(6);

  let posts = 0;
  await app.page.route(`${server.address}/tasks`, async (route) => {
    posts += 1;
    const headers = await route.request().allHeaders();
    const isRevoked = headers["x-agent-token"] === "token-1" && posts > 2;
    if (isRevoked) await store("key-2", "token-2");
    const token = isRevoked ? { "x-agent-token": "revoked" } : {};
    await route.fulfill({ response: await route.fetch({ headers: { ...headers, ...token } }) });
  });
  await app.approveAll(6);
  await app.post(6, server.host);
  await delivered(app, server, 6);
  const bodies = (await server.tasks()).map((task) => task.text);
  expect(new Set(bodies).size).toBe(6);
});

test("if the Vault still has the rejected token, the operator is asked", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(401));
  await write("not-the-token");
  const server = await open(world, app);
  const sent = requests(app);
  await post(app, server, 2);
  await signIn(app, "Token", "root");
  await expect(prompt(app, server)).toHaveAccessibleDescription(
    /rejected the agent token\. The Vault still has the same one\./,
  );
  expect(sent.filter((request) => request === "GET secret/data/agent"), "read again once").toHaveLength(2);
  await app.enterToken(server.host, TOKEN);
  await delivered(app, server, 2);
});

test("a token is renewed before it ends while tasks are posted", async ({ world, app }) => {
  await write(TOKEN);
  const server = await open(world, app);
  const sent = requests(app);
  await app.page.route(`${server.address}/tasks`, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await route.continue();
  });
  await post(app, server, 8);
  await signIn(app, "Token", await bao.token("6s"));
  await expect(app.heading(/: 8 delivered$/)).toBeVisible({ timeout: 60_000 });
  await delivered(app, server, 8);
  expect(sent.filter((request) => request === "POST auth/token/renew-self").length).toBeGreaterThan(0);
});

test("a sealed Vault, a deleted version and a missing field each have their message", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(404), statusLine(503));
  await bao.call("POST", "secret/data/agent", { data: { other: "x" } });
  const server = await open(world, app);
  await post(app, server, 2);
  await signIn(app, "Token", "root");
  const asked = prompt(app, server);
  const cancel = () =>
    app.dialog(`Agent token for ${server.host}`).getByRole("button", { name: "Cancel" }).click();
  await expect(asked).toHaveAccessibleDescription(/no text in the field AGENT_API_TOKEN/);
  await cancel();
  await bao.call("DELETE", "secret/data/agent");
  await app.post(2, server.host);
  await expect(asked).toHaveAccessibleDescription(/Version 1 of the secret at secret\/agent is deleted/);
  await cancel();
  await bao.call("POST", "sys/seal");
  await app.post(2, server.host);
  await expect(asked).toHaveAccessibleDescription(/The Vault is sealed\. Unseal it/);
});

test("a Vault that does not allow the page says what to do, in the prompt and in the connection test", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE, NOT_READABLE, statusLine(401), statusLine(403));
  await write(TOKEN);
  const server = await open(world, app, { isForbidden: true });
  await post(app, server, 2);
  await signIn(app, "Token", "root");
  await expect(signInDialog(app)).toContainText(`its CORS rule does not allow ${server.address}`);
  await expect(signInDialog(app)).toContainText(`{"allowed_origins":["${server.address}"]}`);
  await signInDialog(app).getByRole("button", { name: "Enter the secret itself" }).click();
  await app.enterToken(server.host, TOKEN);
  await delivered(app, server, 2);
  const settings = await app.settings();
  await settings.getByRole("button", { name: "Test connection" }).click();
  const vault = settings.getByRole("region", { name: "Vault" });
  await expect(vault).toContainText("Server answers: Passed");
  await expect(vault).toContainText("Origin allowed: Not determined");
  await bao.allow(server.address);
  await settings.getByRole("button", { name: "Sign in to Vault…" }).click();
  await signIn(app, "Token", "root");
  await expect(signInDialog(app)).toHaveCount(0);
  await settings.getByRole("button", { name: "Test connection" }).click();
  await expect(vault).toContainText("Authorized: Passed");
  await expect(vault).toContainText("It has: agent token.");
});

test("a dry run never contacts the Vault", async ({ world, app }) => {
  await write(TOKEN);
  await open(world, app);
  const sent = requests(app);
  await app.page.getByText("Dry run", { exact: true }).click();
  await app.fillBrief({ goal: "Tidy the archive", count: "3" });
  await app.generate();
  await expect(app.tasks).toHaveCount(3);
  await app.approveAll(3);
  await app.foot.getByRole("button", { name: "Write 3 dry receipts" }).click();
  const confirmation = app.dialog("Write 3 dry receipts?");
  await confirmation.getByRole("button", { name: "Write 3 dry receipts" }).click();
  await expect(app.heading(/^Dry run done: .* 0 requests$/)).toBeVisible();
  expect(sent).toEqual([]);
});
