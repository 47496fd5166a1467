// The page and the gateway of its own server, as the server presets them.
import type { AppPage } from "./app-page.ts";
import { header, type TaskServer } from "./servers.ts";
import { expect, statusLine, test, type World } from "./world.ts";

/** The key of the testbed's script `needs-this-key`. */
const KEY = "testbed-key";
const TOKENS = { tasks: "token-for-tasks-of-this-test", model: "token-for-the-model-of-this-test" };

function serverWithGateway(world: World, script: string): Promise<TaskServer> {
  const endpoint = world.testbed.model(script, world.tag);
  const gateway = { endpoint, model: "scripted", key: KEY, tokens: TOKENS.model };
  return world.taskServer({ tokens: TOKENS.tasks, gateway });
}

async function enterKey(app: AppPage, host: string, key: string): Promise<void> {
  const prompt = app.dialog(`API key for ${host}`);
  await prompt.getByRole("textbox", { name: "API key" }).fill(key);
  await prompt.getByRole("button", { name: "Use API key", exact: true }).click();
}

/** Begins a live run, for which the page asks for the API key. */
async function begin(app: AppPage, server: TaskServer): Promise<void> {
  await app.open(server.address, /./);
  await app.fillBrief({ goal: "Tidy the archive", count: "3" });
  await app.page.getByText("Live", { exact: true }).click();
  await app.generate();
}

test("an agent token is the API key of the gateway, and the endpoint's key stays on the server", async ({
  world,
  app,
  complaints,
}) => {
  // The token for tasks has no scope for the model.
  complaints.allow(statusLine(403));
  const server = await serverWithGateway(world, "needs-this-key");
  await begin(app, server);
  await enterKey(app, server.host, TOKENS.tasks);
  await expect(app.heading(/^The model endpoint does not allow this request: 403/)).toBeVisible();
  expect(await world.testbed.asked(world.tag)).toEqual([]);
  await app.press("Enter another API key…");
  await enterKey(app, server.host, TOKENS.model);
  await app.press("Generate again");
  await expect(app.heading("Complete: 3 tasks, all valid")).toBeVisible();
  const [request, ...more] = await world.testbed.asked(world.tag);
  expect(more).toEqual([]);
  expect(header(request?.headers ?? [], "authorization")).toBe(`Bearer ${KEY}`);
  expect(request?.answer.ended).toBe("whole");
  expect(JSON.stringify(request)).not.toContain(TOKENS.model);
  expect(await app.page.content()).not.toContain(KEY);

  await app.approveAll(3);
  await app.post(3, server.host);
  await app.enterToken(server.host, TOKENS.tasks);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  expect(await server.tasks()).toHaveLength(3);
});

test("stopping a run ends the request to the endpoint behind the gateway", async ({ world, app }) => {
  const server = await serverWithGateway(world, "slow");
  await begin(app, server);
  await enterKey(app, server.host, TOKENS.model);
  await expect(app.tasks.first()).toBeVisible();
  await app.press("Stop generating");
  await expect
    .poll(async () => (await world.testbed.asked(world.tag))[0]?.answer.ended)
    .toBe("abandoned");
});
