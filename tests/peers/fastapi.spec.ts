// Task servers made with FastAPI: a strict model, a declared slash, and a handler that stores and then
// raises, behind its CORSMiddleware.
import type { AppPage } from "../e2e/app-page.ts";
import type { Program } from "../e2e/program.ts";
import { expect, NO_RESPONSE, NOT_READABLE, statusLine, test, type World } from "../e2e/world.ts";
import { fastapi, reasons, received, taskwright, TOKEN } from "./peer.ts";

const KEY = "keep-the-order";

let peer: Program;

test.beforeAll(async () => {
  peer = await fastapi();
});
test.afterAll(() => peer?.stop());

/** Opens the page with a connection to this task server, and posts three approved tasks. */
async function post(world: World, app: AppPage, server: Record<string, unknown>): Promise<string> {
  const page = await world.taskServer({
    config: () => ({
      connection: "FastAPI",
      model: { base_url: world.testbed.model("exact-text", world.tag), model: "scripted" },
      task_server: server,
    }),
  });
  await app.open(page.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  const { host } = new URL(peer.address);
  await app.postWithDefaultToken(3, host);
  return host;
}

test("a strict model refuses unknown members, each with its reason", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(422));
  await post(world, app, { url: `${peer.address}/strict` });
  await expect(app.task(KEY)).toContainText("Refused");
  await app.openTask(KEY);
  const list = app.page.getByRole("list", { name: "The server's reasons" });
  await expect(list.getByRole("listitem").filter({ hasText: "/instructions" })).toHaveText(
    /^\/instructions Extra inputs are not permitted$/,
  );
  expect(await received(`${peer.address}/strict`)).toEqual([]);
});

test("a declared slash is told apart from other redirects, and nothing was stored", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(405));
  await post(world, app, { url: `${peer.address}/slash` });
  await expect(app.task(KEY)).toContainText("Refused");
  await app.openTask(KEY);
  const delivery = app.page.getByRole("tabpanel", { name: /^Delivery/ });
  await expect(delivery).toContainText("exactly as the server declares it: /slash/tasks/");
  expect(await received(`${peer.address}/slash`)).toEqual([]);
});

test("with the slash, the tasks are delivered", async ({ world, app }) => {
  const before = (await received(`${peer.address}/slash`)).length;
  const host = await post(world, app, { url: `${peer.address}/slash`, path: "/tasks/" });
  await expect(app.heading(`Posted to ${host}: 3 delivered`)).toBeVisible();
  await app.openTask(KEY);
  await expect(await app.deliveryTab()).toContainText(`Server ID${before + 1}`);
  expect(await received(`${peer.address}/slash`)).toHaveLength(before + 3);
});

test("a task that was stored before the handler raised is unconfirmed, and CORS comes first", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE, NOT_READABLE);
  await post(world, app, { url: `${peer.address}/raises` });
  await expect(app.task(KEY)).toContainText("Unconfirmed");
  await expect(app.foot).toContainText("First check the server's CORS rule");
  expect(await received(`${peer.address}/raises`), "sent once").toHaveLength(1);
});

test("deliver() returns the same reasons, and ids from where the server has them", async () => {
  const { deliver } = await taskwright();
  const settings = { url: `${peer.address}/strict`, agentToken: TOKEN, concurrency: 1 };
  const good = '{"key":"a","title":"t","priority":"low"}';
  const receipts = await deliver(
    [
      good,
      '{"key":"b","priority":"urgent","inputs":[{"name":"n","value":"v"},{"name":"far too long","value":1}],"due":"x"}',
      good.replace('"a"', '"c"'),
    ],
    settings,
  );
  expect(receipts.map((receipt: any) => receipt.outcome)).toEqual(["delivered", "refused", "delivered"]);
  expect(receipts[0].serverId).toMatch(/^\d+$/);
  expect(reasons(receipts[1])).toEqual([
    "/due: Extra inputs are not permitted",
    "/inputs/1/name: String should have at most 8 characters",
    "/inputs/1/value: Input should be a valid string",
    "/priority: Input should be 'low' or 'high'",
    "/title: Field required",
  ]);

  const embedded = { ...settings, url: `${peer.address}/embedded`, bodyTemplate: '{"task": $task}' };
  const [delivered, refused] = await deliver([good, '{"key":"b","title":"t"}'], embedded);
  expect(delivered.serverId).toBe("t-1");
  expect(reasons(refused), "relative to the task").toEqual(["/priority: Field required"]);

  const [raised] = await deliver([good], { ...settings, url: `${peer.address}/raises` });
  expect(raised).toMatchObject({ outcome: "unconfirmed", status: 500, retry: false });
  const [unauthorized] = await deliver([good], { ...settings, agentToken: "wrong" });
  expect(unauthorized).toMatchObject({ outcome: "unauthorized", status: 401, message: "Wrong token" });
  const [redirected] = await deliver([good], { ...settings, url: `${peer.address}/slash` });
  expect(redirected).toMatchObject({ outcome: "refused", code: "redirected" });
  expect(redirected.message).toContain("/slash/tasks/");
});
