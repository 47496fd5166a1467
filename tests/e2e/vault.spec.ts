// A Vault as the source of secrets. The tests against peers have a real one; here the test responds in its
// place.
import type { Locator, Page } from "@playwright/test";

import { everythingKept } from "./browser-storage.ts";
import { expect, NO_RESPONSE, statusLine, test, type World } from "./world.ts";

const VAULT = "https://vault.example.com:8200";
const VAULT_TOKEN = "hvs.e2e-0123456789abcdef";
const AGENT_TOKEN = "agent-e2e-0123456789abcdef";

/** Opens the fields of the Vault in the settings. */
async function openFields(settings: Locator): Promise<void> {
  await settings.getByText("Secrets from Vault", { exact: true }).click();
  await expect(settings.getByRole("textbox", { name: "Vault address" })).toBeVisible();
}

/** A task server whose page has a Vault. */
function serverWithVault(world: World) {
  return world.taskServer({
    tokens: AGENT_TOKEN,
    config: (url) => ({
      connection: "Vault",
      model: { base_url: world.testbed.model("plain", world.tag), model: "scripted", needs_key: false },
      task_server: { url, honours_idempotency_keys: true },
      vault: { address: VAULT, secrets_path: "secret/agent", kv_version: 2 },
    }),
  });
}

interface Reply {
  status?: number;
  json: unknown;
}

/** Responds to the requests of the page to the Vault, by method and path. */
async function respond(page: Page, replies: Record<string, Reply | undefined>): Promise<string[]> {
  const sent: string[] = [];
  await page.route(`${VAULT}/**`, async (route) => {
    const request = route.request();
    const name = `${request.method()} ${request.url().slice(`${VAULT}/v1/`.length)}`;
    const headers = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" };
    if (request.method() === "OPTIONS") return route.fulfill({ status: 204, headers });
    sent.push(name);
    const reply = replies[name];
    return reply ? route.fulfill({ status: reply.status ?? 200, headers, json: reply.json }) : route.abort();
  });
  return sent;
}

const LIFE = { data: { ttl: 3600, creation_ttl: 3600, renewable: true, policies: ["default", "reader"] } };

test("each setting of a Vault that cannot be used has its error at its field, and valid ones are kept", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const settings = await app.settings();
  await openFields(settings);
  const field = (name: string) => settings.getByRole("textbox", { name, exact: true });
  await field("Path of the secret").fill("secret/agent");
  await app.saveSettings();
  await expect(field("Vault address")).toHaveAccessibleDescription(/The address of the Vault is missing\./);
  await field("Vault address").fill("http://vault.example.com:8200");
  await app.saveSettings();
  await expect(field("Vault address")).toHaveAccessibleDescription(/unencrypted over the network/);
  await field("Vault address").fill(VAULT);
  for (const [name, wrong, error] of [
    ["Path of the secret", "secret/../sys", /is not a path/],
    ["Namespace", "ns1?x", /is not a path/],
    ["KV version", "3", /Enter 1 or 2/],
    ["Version of the secret", "latest", /Enter the number of a version/],
    ["Sign-in method", "oidc", /Enter token, userpass or ldap/],
  ] as const) {
    const before = await field(name).inputValue();
    await field(name).fill(wrong);
    await app.saveSettings();
    await expect(field(name)).toHaveAccessibleDescription(error);
    await expect(field(name)).toHaveValue(wrong);
    await field(name).fill(before);
  }
  await field("Sign-in method").fill("ldap");
  await field("User name").fill("ann");
  await app.saveSettings();
  await expect(settings).toBeHidden();

  await app.page.reload();
  const again = await app.settings();
  await expect(field("Vault address")).toHaveValue(VAULT);
  await again.getByRole("button", { name: "Sign in to Vault…" }).click();
  const signIn = app.dialog("Sign in to Vault at vault.example.com:8200");
  await expect(signIn.getByRole("radio", { name: "LDAP" })).toBeChecked();
  await expect(signIn.getByRole("textbox", { name: "User name" })).toHaveValue("ann");
});

test("what a Vault has is used, and stored nowhere", async ({ world, app }) => {
  const server = await serverWithVault(world);
  await respond(app.page, {
    "GET auth/token/lookup-self": { json: LIFE },
    "GET secret/data/agent": {
      json: { data: { data: { AGENT_API_TOKEN: AGENT_TOKEN }, metadata: { version: 1 } } },
    },
  });
  await app.open(server.address);
  await app.generateTasks(2);
  await app.approveAll(2);
  await app.post(2, server.host);
  const signIn = app.dialog("Sign in to Vault at vault.example.com:8200");
  await expect(signIn).toContainText(new RegExp(`reads these from secret/agent.* and the agent token for ${server.host}\\.`));
  await signIn.getByLabel("Vault token").fill(VAULT_TOKEN);
  await signIn.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(app.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  const kept = await everythingKept(app.page);
  expect(kept).toContain("secret/agent");
  for (const secret of [VAULT_TOKEN, AGENT_TOKEN]) expect(kept).not.toContain(secret);
  const settings = await app.settings();
  await expect(settings).toContainText(/The Vault token for .* ends in about .*Policies: default and reader\./);
  await settings.getByRole("button", { name: "Forget all API keys and agent tokens" }).click();
  await expect(settings.getByText(/^The Vault token/)).toHaveCount(0);
});

test("each failure of a Vault has its message, and the secret can be entered by hand", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE, ...[400, 403, 404, 429, 473, 503].map(statusLine));
  const server = await serverWithVault(world);
  const replies: Record<string, Reply | undefined> = { "GET auth/token/lookup-self": { json: LIFE } };
  await respond(app.page, replies);
  await app.open(server.address);
  await app.generateTasks(2);
  await app.approveAll(2);
  const signIn = app.dialog("Sign in to Vault at vault.example.com:8200");
  const signInWithToken = async () => {
    await signIn.getByLabel("Vault token").fill(VAULT_TOKEN);
    await signIn.getByRole("button", { name: "Sign in", exact: true }).click();
  };
  const prompt = app.dialog(`Agent token for ${server.host}`);
  const deleted = { data: null, metadata: { version: 4, deletion_time: "2026-01-01T00:00:00Z" } };
  let isSignedIn = false;
  for (const [status, json, message] of [
    [503, { errors: ["Vault is sealed"] }, /The Vault is sealed\. Unseal it/],
    [400, { errors: ["Vault is in standby mode"] }, /This server of the Vault is not the active one/],
    [404, { errors: [] }, /The Vault has no secret at secret\/agent/],
    [404, { data: deleted }, /Version 4 of the secret at secret\/agent is deleted/],
    [undefined, undefined, /vault\.example\.com:8200 sent no response that this page can read/],
  ] as const) {
    replies["GET secret/data/agent"] = status ? { status, json } : undefined;
    await app.post(2, server.host);
    if (!isSignedIn) await signInWithToken();
    isSignedIn = true;
    await expect(prompt.getByRole("textbox", { name: "Agent token" })).toHaveAccessibleDescription(message);
    await prompt.getByRole("button", { name: "Cancel" }).click();
  }
  replies["GET secret/data/agent"] = { status: 403, json: { errors: ["permission denied"] } };
  await app.post(2, server.host);
  await expect(signIn).toContainText("The Vault token may not read secret/agent: permission denied.");
  await signIn.getByRole("button", { name: "Enter the secret itself" }).click();
  await app.enterToken(server.host, AGENT_TOKEN);
  await expect(app.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  const settings = await app.settings();
  await expect(settings, "the token stays for other paths").toContainText(/The Vault token for /);
});

test("a held Vault token reads nothing that the sign-in did not name", async ({ world, app }) => {
  const server = await serverWithVault(world);
  const sent = await respond(app.page, { "GET auth/token/lookup-self": { json: LIFE } });
  await app.open(server.address);
  const settings = await app.settings();
  await settings.getByRole("button", { name: "Sign in to Vault…" }).click();
  const signIn = app.dialog("Sign in to Vault at vault.example.com:8200");
  await expect(signIn).toContainText("The page reads these from secret/agent");
  await signIn.getByLabel("Vault token").fill(VAULT_TOKEN);
  await signIn.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(settings).toContainText(/The Vault token for /);
  await settings.getByRole("textbox", { name: "Path of the secret" }).fill("secret/other");
  await app.saveSettings();
  await app.generateTasks(2);
  await app.approveAll(2);
  await app.post(2, server.host);
  await expect(signIn).toContainText("The page reads these from secret/other");
  expect(sent).toEqual(["GET auth/token/lookup-self"]);
});

test("if API key and agent token are rejected at the same moment, both actions continue after they are read again", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(statusLine(401));
  const key = "sk-e2e-0123456789abcdef";
  const rotated = { OPENAI_API_KEY: `${key}-2`, AGENT_API_TOKEN: `${AGENT_TOKEN}-2` };
  const server = await world.taskServer({
    tokens: `${AGENT_TOKEN},${rotated.AGENT_API_TOKEN}`,
    config: (url) => ({
      connection: "Vault",
      model: { base_url: world.testbed.model("plain", world.tag), model: "scripted", needs_key: true },
      task_server: { url, honours_idempotency_keys: true },
      vault: { address: VAULT, secrets_path: "secret/agent", kv_version: 2 },
    }),
  });
  const secret = (data: unknown) => ({ json: { data: { data, metadata: { version: 1 } } } });
  const replies: Record<string, Reply | undefined> = {
    "GET auth/token/lookup-self": { json: LIFE },
    "GET secret/data/agent": secret({ OPENAI_API_KEY: key, AGENT_API_TOKEN: AGENT_TOKEN }),
  };
  await respond(app.page, replies);
  await app.open(server.address, /./);
  await app.page.locator(".choices").getByText("Live", { exact: true }).click();
  await app.fillBrief({ goal: "Tidy the archive", count: "3" });
  await app.generate();
  const signIn = app.dialog("Sign in to Vault at vault.example.com:8200");
  await signIn.getByLabel("Vault token").fill(VAULT_TOKEN);
  await signIn.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(app.heading("Complete: 3 tasks, all valid")).toBeVisible();
  await app.page.getByRole("button", { name: /^Reject / }).last().click();
  await app.approveAll(2);

  // Both endpoints respond only when both were asked, and accept the rotated secrets only.
  replies["GET secret/data/agent"] = secret(rotated);
  let release = () => {};
  const bothAsked = new Promise<void>((resolve) => (release = resolve));
  const asked = new Set<string>();
  const ask = async (name: string) => {
    asked.add(name);
    if (asked.size === 2) release();
    await bothAsked;
  };
  await app.page.route(`${server.address}/tasks`, async (route) => {
    const headers = await route.request().allHeaders();
    if (headers["x-agent-token"] !== AGENT_TOKEN) return route.continue();
    await ask("task server");
    await route.continue({ headers: { ...headers, "x-agent-token": "revoked" } });
  });
  await app.page.route(/\/chat\/completions$/, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    const headers = await route.request().allHeaders();
    if (headers["authorization"] !== `Bearer ${key}`) return route.continue();
    await ask("model");
    await route.fulfill({
      status: 401,
      headers: { "access-control-allow-origin": "*" },
      json: { error: { message: "Incorrect API key provided.", code: "invalid_api_key" } },
    });
  });
  await app.post(2, server.host);
  await app.press(/^Regenerate .*rejected task…$/);
  await app.dialog("Regenerate 1 rejected task?").getByRole("button", { name: "Regenerate 1 rejected task" }).click();
  await expect(app.heading(`Posted to ${server.host}: 2 delivered`)).toBeVisible();
  await expect(app.page.getByRole("dialog")).toHaveCount(0);
  await expect(app.tasks.last()).toContainText("suggested edit");
  expect([...asked].sort()).toEqual(["model", "task server"]);
});
