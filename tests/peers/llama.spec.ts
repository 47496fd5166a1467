// A llama.cpp server with a tiny random model. Its text is noise, so what it proves is the conversation:
// which response format it accepts, limits, and cancelling.
import { required } from "../e2e/program.ts";
import { expect, test } from "../e2e/world.ts";
import { Endpoint, taskwright } from "./peer.ts";

let server: Endpoint;

test.beforeAll(async () => {
  test.setTimeout(300_000);
  const flags = ["--model", required("PEERS_MODEL"), "--n_ctx", "16384", "--n_threads", "1", "--seed", "7"];
  server = await Endpoint.start(["-m", "llama_cpp.server", ...flags], "/v1/models");
});
test.afterAll(() => server?.stop());

const BRIEF = { goal: "Tidy", count: 1 };

test("json_schema is refused with 500, json_object is asked for, and the conversation ends", async () => {
  const { generate } = await taskwright();
  const notices: string[] = [];
  const { outcome } = await generate(
    BRIEF,
    { baseUrl: `${server.address}/v1`, model: "tiny", maxOutputTokens: 64 },
    { onEvent: (event: any) => event.type === "warning" && notices.push(event.message) },
  );
  expect(notices.join(), JSON.stringify(outcome)).toContain("json_object");
  expect(outcome.status ?? 200, JSON.stringify(outcome)).toBe(200);
});

test("the page stops a generation at once", async ({ world, app }) => {
  const page = await world.taskServer({
    config: (address) => ({
      connection: "llama.cpp",
      model: { base_url: `${server.address}/v1`, model: "tiny" },
      task_server: { url: address },
    }),
  });
  await app.open(page.address);
  await app.fillBrief({ goal: "Tidy", count: "1" });
  await app.generate();
  await app.press("Stop generating");
  await expect(app.heading(/^Cancelled after 0 of 1 task/)).toBeVisible();
});
