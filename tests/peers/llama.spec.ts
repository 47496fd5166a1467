// A llama.cpp server with a tiny random model. Its text is noise, so what it proves is the conversation:
// which response format it accepts, limits, and cancelling.
import { required } from "../e2e/program.ts";
import { expect, statusLine, test } from "../e2e/world.ts";
import { Endpoint, taskwright } from "./peer.ts";

let server: Endpoint;

test.beforeAll(async () => {
  test.setTimeout(300_000);
  const flags = ["--model", required("PEERS_MODEL"), "--n_ctx", "8192", "--n_threads", "1", "--seed", "7"];
  server = await Endpoint.start(["-m", "llama_cpp.server", ...flags], "/v1/models");
});
test.afterAll(() => server?.stop());

const SCHEMA = {
  type: "object",
  required: ["title"],
  additionalProperties: false,
  properties: { title: { type: "string", maxLength: 40 } },
};
const BRIEF = { goal: "Tidy", count: 1, schema: SCHEMA };

test("json_schema is refused with 500, json_object is asked for, and the conversation ends", async () => {
  const { generate } = await taskwright();
  const notices: string[] = [];
  const { outcome } = await generate(
    BRIEF,
    { baseUrl: `${server.address}/v1`, model: "tiny", maxOutputTokens: 64 },
    { onEvent: (event: any) => event.type === "warning" && notices.push(event.message) },
  );
  expect(notices.join(), JSON.stringify(outcome)).toMatch(/JSON object|json_object/);
  expect(outcome.status ?? 200, JSON.stringify(outcome)).toBe(200);
});

test("the page stops a generation at once", async ({ world, app, complaints }) => {
  complaints.allow(statusLine(500));
  const page = await world.taskServer({
    config: (address) => ({
      connection: "llama.cpp",
      model: { base_url: `${server.address}/v1`, model: "tiny" },
      task_server: { url: address },
      task_schema: SCHEMA,
    }),
  });
  await app.open(page.address);
  await app.fillBrief({ goal: "Tidy", count: "1" });
  await app.generate();
  await app.press("Stop generating");
  await expect(app.heading(/^Cancelled after/)).toBeVisible();
});
