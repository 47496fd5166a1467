// LiteLLM's proxy as the model endpoint, in front of the testbed's scripted model.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Testbed } from "../e2e/servers.ts";
import { expect, test } from "../e2e/world.ts";
import { Endpoint, taskwright } from "./peer.ts";

let folder: string;
let upstream: Testbed;
let proxy: Endpoint;

test.beforeAll(async () => {
  test.setTimeout(300_000);
  upstream = await Testbed.start();
  folder = await mkdtemp(join(tmpdir(), "taskwright-litellm-"));
  const model = (name: string, script: string) => ({
    model_name: name,
    litellm_params: {
      model: "openai/scripted",
      api_base: upstream.model(script, `litellm-${name}`),
      api_key: "unused",
      max_retries: 0,
    },
  });
  const config = join(folder, "config.json");
  const models = [model("good", "exact-text"), model("strict", "no-json-schema"), model("cut", "cut-off")];
  await writeFile(config, JSON.stringify({ model_list: models, router_settings: { num_retries: 0 } }));
  const main = "import sys; from litellm import run_server; sys.exit(run_server())";
  proxy = await Endpoint.start(["-c", main, "--config", config], "/health/liveliness");
});
test.afterAll(async () => {
  await proxy?.stop();
  await upstream?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const BRIEF = { goal: "Tidy the archive", count: 3 };

test("the page generates tasks through the proxy", async ({ world, app }) => {
  const page = await world.taskServer({
    config: (address) => ({
      connection: "LiteLLM",
      model: { base_url: `${proxy.address}/v1`, model: "good" },
      task_server: { url: address },
    }),
  });
  await app.open(page.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.postWithDefaultToken(3, page.host);
  await expect(app.heading(`Posted to ${page.host}: 3 delivered`)).toBeVisible();
});

test("a response format that the upstream refuses is replaced by the next one", async () => {
  const { generate } = await taskwright();
  const notices: string[] = [];
  const { outcome, tasks } = await generate(
    BRIEF,
    { baseUrl: `${proxy.address}/v1`, model: "strict" },
    { onEvent: (event: any) => event.type === "warning" && notices.push(event.message) },
  );
  expect(outcome.outcome).toBe("complete");
  expect(tasks).toHaveLength(3);
  expect(notices.join()).toMatch(/JSON object|json_object/);
});

test("a response that a token limit ends is cut off, not complete", async () => {
  const { generate } = await taskwright();
  const { outcome } = await generate(BRIEF, { baseUrl: `${proxy.address}/v1`, model: "cut" });
  expect(outcome.outcome).toBe("cut_off");
});

test("an unknown model ends with the proxy's own message", async () => {
  const { generate } = await taskwright();
  const { outcome } = await generate(BRIEF, { baseUrl: `${proxy.address}/v1`, model: "absent" });
  expect(outcome.outcome).toBe("failed");
  expect(JSON.stringify(outcome)).toContain("absent");
});
