// Task servers made with Express: express-validator and Zod, with the bodies that they answer with.
import type { Program } from "../e2e/program.ts";
import { expect, statusLine, test } from "../e2e/world.ts";
import { express, reasons, received, taskwright, TOKEN } from "./peer.ts";

let peer: Program;

test.beforeAll(async () => {
  peer = await express();
});
test.afterAll(() => peer?.stop());

const GOOD = '{"key":"a","title":"t","priority":"low"}';
const BAD =
  '{"key":"b","title":"a title that is far too long","priority":"urgent","inputs":[{"name":"n","value":"v"},{"name":"far too long","value":"v"}]}';

const VALIDATOR = [
  "/inputs/1/name: is longer than 8",
  "/priority: is neither low nor high",
  "/title: is longer than 20",
];
const ZOD = [
  "/inputs/1/name: Too big: expected string to have <=8 characters",
  '/priority: Invalid option: expected one of "low"|"high"',
  "/title: Too big: expected string to have <=20 characters",
];

for (const [name, status, expected] of [
  ["validator", 400, VALIDATOR],
  ["mapped", 422, VALIDATOR],
  ["zod", 400, ZOD],
  ["error", 400, ZOD],
  ["tree", 400, ZOD],
] as const) {
  test(`deliver() returns the reasons of ${name} beside their fields`, async () => {
    const { deliver } = await taskwright();
    const settings = { url: `${peer.address}/${name}`, agentToken: TOKEN, concurrency: 1 };
    const receipts = await deliver([GOOD, BAD], settings);
    expect(receipts.map((receipt: any) => receipt.outcome)).toEqual(["delivered", "refused"]);
    expect(receipts[0]).toMatchObject({ status: 201, serverId: "1" });
    expect(receipts[1].status).toBe(status);
    expect(reasons(receipts[1])).toEqual(expected);
    expect(await received(`${peer.address}/${name}`)).toEqual([JSON.parse(GOOD)]);
  });
}

test("issues by field and unknown members have their reasons too", async () => {
  const { deliver } = await taskwright();
  const mapped = { url: `${peer.address}/mapped`, agentToken: TOKEN };
  const [exact] = await deliver(['{"key":"c","title":"t","priority":"low","extra":1}'], mapped);
  expect(reasons(exact)).toEqual(["/extra: Unknown field(s)"]);
  const settings = { url: `${peer.address}/flat`, agentToken: TOKEN, concurrency: 1 };
  const [, refused, unknown] = await deliver([GOOD, BAD, '{"key":"c","title":"t","priority":"low","extra":1}'], settings);
  expect(reasons(refused).map((text) => text.split(":")[0])).toEqual(["/inputs", "/priority", "/title"]);
  expect(reasons(unknown)).toEqual([': Unrecognized key: "extra"']);
});

test("a header that is refused is not taken for a field", async () => {
  const { deliver } = await taskwright();
  const [receipt] = await deliver([GOOD], { url: `${peer.address}/validator`, agentToken: "wrong" });
  expect(reasons(receipt)).toEqual([": header x-agent-token: Invalid value"]);
});

test("the page shows the reasons beside their fields", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(400));
  const page = await world.taskServer({
    config: () => ({
      connection: "Express",
      model: { base_url: world.testbed.model("exact-text", world.tag), model: "scripted" },
      task_server: { url: `${peer.address}/zod` },
    }),
  });
  await app.open(page.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.postWithDefaultToken(3, new URL(peer.address).host);
  await expect(app.task("keep-the-order")).toContainText("Refused");
  await app.openTask("keep-the-order");
  const list = app.page.getByRole("list", { name: "The server's reasons" });
  await expect(list.getByRole("listitem").filter({ hasText: "/instructions" })).toHaveText(/Unrecognized key/);
});
