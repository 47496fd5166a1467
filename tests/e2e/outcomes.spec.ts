// Generation outcomes: what the page shows for each, and that a partial response is never used before
// the operator accepts it.
import { tasks, type AppPage } from "./app-page.ts";
import { expect, NO_RESPONSE, NOT_READABLE, statusLine, test } from "./world.ts";

const WANTED = 8;

async function generate(app: AppPage): Promise<void> {
  await app.fillBrief({ goal: "Sort the letters", count: String(WANTED) });
  await app.generate();
}

/** The banner with this title. */
function banner(app: AppPage, title: RegExp) {
  return app.page
    .getByRole("region", { name: "Tasks" })
    .locator("[role=status], [role=alert]")
    .filter({ has: app.heading(title) });
}

/** Expects that no task can be approved or posted, neither in the list nor in the open task. */
async function expectNothingApprovable(app: AppPage): Promise<void> {
  await expect(app.button(/^Approve/)).toHaveCount(0);
  await expect(app.foot).toBeHidden();
  await app.tasks.first().getByRole("button").first().click();
  await expect(app.page.getByText("The response is incomplete. Accept the partial response to decide about its tasks.")).toBeVisible();
  await expect(app.button(/^Approve/)).toHaveCount(0);
  await app.tasks.first().getByRole("button").first().press("a");
  await expect(app.tasks.first()).toContainText("Ready");
  await app.closeTask();
}

test.describe("a response that ends early", () => {
  for (const { script, pauseMs, title, text, console } of [
    {
      script: "cut-off",
      title: /^Cut off after [1-7] of 8 tasks$/,
      text: "Raise the max output tokens (max_completion_tokens)",
      console: [],
    },
    {
      script: "filtered",
      title: /^The endpoint's content filter blocked the response$/,
      text: "Change the wording of the brief. If tasks arrived, you can accept the partial response.",
      console: [],
    },
    {
      script: "refused-halfway",
      title: /^The model refused$/,
      text: "Change the brief, or choose another model.",
      console: [],
    },
    {
      script: "interrupted",
      title: /^The response was interrupted after [1-7] of 8 tasks$/,
      text: "Try again. If tasks arrived, you can accept the partial response.",
      console: [],
    },
    {
      script: "broken",
      pauseMs: 5,
      title: /^The response was interrupted after [1-7] of 8 tasks$/,
      text: "Try again. If tasks arrived, you can accept the partial response.",
      console: [NO_RESPONSE],
    },
    {
      script: "done-alone",
      title: /^The response was interrupted after 8 of 8 tasks$/,
      text: "Try again. If tasks arrived, you can accept the partial response.",
      console: [],
    },
    {
      script: "error-in-stream",
      title: /^Server error at the model endpoint/,
      text: "The server had an error while processing your request.",
      console: [],
    },
    {
      script: "odd-finish",
      title: /^The response cannot be used/,
      text: "",
      console: [],
    },
  ]) {
    test(`${script}: its tasks can be approved only after the partial response is accepted, and a half task is left out`, async ({
      world,
      app,
      complaints,
    }) => {
      complaints.allow(...console);
      const server = await world.liveServer({ script, ...(pauseMs ? { pauseMs } : {}) });
      await app.open(server.address);
      await generate(app);
      const outcome = banner(app, title);
      await expect(outcome).toBeVisible();
      await expect(outcome).toContainText(text);
      await expectNothingApprovable(app);

      const count = await app.tasks.count();
      const texts = await app.texts();
      const summary = outcome.getByText(/^Raw response, [\d,]+ characters$/);
      await summary.click();
      const raw = await outcome.locator("pre").last().innerText();
      // The raw response also has the members that are only in the model's schema, and the half task.
      for (const task of texts) expect(raw).toContain(`"key":"${JSON.parse(task).key}"`);
      await outcome.getByRole("button", { name: `Accept partial response (${tasks(count)})` }).click();

      await expect(app.tasks).toHaveCount(count);
      await app.approveAll(count);
      await app.postWithDefaultToken(count, server.host);
      await expect(app.heading(`Posted to ${server.host}: ${count} delivered`)).toBeVisible();
      const stored = (await server.tasks()).map((task) => task.text);
      expect(stored.sort()).toEqual(texts.sort());
    });
  }
});

test("a cut at any byte of a task leaves that task out", async ({
  world,
  app,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE);
  const model = { base_url: `${world.testbed.address}/v1`, model: "" };
  const server = await world.taskServer({ config: () => ({}) });
  for (const byte of [200, 1500, 2222]) {
    model.model = `scripted:cut-at-byte?cut_at_byte=${byte}&tag=${world.tag}`;
    await server.preset({ connection: `Cut at ${byte}`, model });
    await app.open(server.address, `Live → Cut at ${byte}`);
    await generate(app);
    await expect(app.heading(/^The response was interrupted after \d of 8 tasks$/)).toBeVisible();
    await expect(app.button(/^Approve/)).toHaveCount(0);
    for (const task of await app.tasks.all()) await expect(task).toContainText("Ready");
    await app.press("Archive this run");
  }
  const asked = await world.testbed.asked(world.tag);
  expect(asked.map((request) => request.answer.ended)).toEqual(["cut", "cut", "cut"]);
});

test("a refusal shows the model's text and a button to edit the brief", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "refused" });
  await app.open(server.address);
  await generate(app);
  const outcome = banner(app, /^The model refused$/);
  await expect(outcome).toContainText("I'm sorry, I can't help with planning that.");
  await expect(app.tasks).toHaveCount(0);
  await outcome.getByRole("button", { name: "Edit the brief" }).click();
  await expect(app.field("Goal")).toBeFocused();
  await expect(app.field("Goal")).toHaveValue("Sort the letters");
});

test("a complete response with another number of tasks says so and can be approved", async ({ world, app }) => {
  const server = await world.liveServer({ script: "too-few" });
  await app.open(server.address);
  await generate(app);
  await expect(app.heading(/^Complete: /)).toHaveText(
    "Complete: 7 of 8 requested tasks, all valid",
  );
  await app.approveAll(7);
});

test("Stop abandons the request immediately, and the partial response can be accepted", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "slow" });
  await app.open(server.address);
  await generate(app);
  await expect(app.tasks.first()).toContainText("Ready");
  await expect(app.button(/^Approve/)).toHaveCount(0);
  await app.press("Stop generating");
  const outcome = banner(app, /^Cancelled after [1-7] of 8 tasks$/);
  await expect(outcome).toBeVisible();
  await expect
    .poll(async () => (await world.testbed.asked(world.tag)).map((request) => request.answer.ended))
    .toEqual(["abandoned"]);
  await expectNothingApprovable(app);
  const count = await app.tasks.count();
  await outcome.getByRole("button", { name: /^Accept partial response/ }).click();
  await app.approveAll(count);
  await expect(app.foot).toContainText(`${count} of ${count} task`);
});

test("Stop works before the first byte", async ({ world, app, complaints }) => {
  complaints.allow(NO_RESPONSE);
  const server = await world.liveServer({ script: "hang" });
  await app.open(server.address);
  await generate(app);
  await app.press("Stop generating");
  await expect(app.heading("Cancelled after 0 of 8 tasks")).toBeVisible();
  await expect
    .poll(async () => (await world.testbed.asked(world.tag)).map((request) => request.answer.ended))
    .toEqual(["abandoned"]);
});

test("a response without data for a minute has stalled", async ({ world, app }) => {
  // Only the page's timers are faked; network and servers use real time.
  await app.page.clock.install();
  const server = await world.liveServer({ script: "stalled" });
  await app.open(server.address);
  await generate(app);
  await expect(app.tasks.first()).toContainText("Ready");
  await app.page.clock.fastForward(59_000);
  await expect(app.button("Stop generating")).toBeVisible();
  await app.page.clock.fastForward(61_000);
  await expect(banner(app, /^The stream stalled after [1-7] of 8 tasks$/)).toBeVisible();
  await expectNothingApprovable(app);
});

test.describe("an endpoint that fails", () => {
  for (const { script, title, text, action } of [
    {
      script: "http-400",
      title: /^The model endpoint rejected a parameter: 400/,
      text: "temperature",
      action: "Generate again",
    },
    {
      script: "http-401",
      title: /^The model endpoint rejected the API key: 401 invalid_api_key$/,
      text: "Incorrect API key provided.",
      action: "Enter another API key…",
    },
    {
      script: "http-403",
      title: /^The model endpoint does not allow this request: 403/,
      text: "country",
      action: "Enter another API key…",
    },
    {
      script: "http-404",
      title: /^The model endpoint does not have this model: 404 model_not_found$/,
      text: "Choose a model from the endpoint's list",
      action: "Open settings…",
    },
    {
      script: "http-429",
      title: /^Rate limited by the model endpoint: 429/,
      text: "Wait 1 s and try again",
      action: "Generate again",
    },
    {
      script: "http-429-quota",
      title: /^Account quota exhausted: 429 insufficient_quota$/,
      text: "",
      action: "Generate again",
    },
    {
      script: "http-500",
      title: /^Server error at the model endpoint: 500/,
      text: "",
      action: "Generate again",
    },
    {
      script: "html-502",
      title: /^Server error at the model endpoint: 502/,
      text: "Response body",
      action: "Generate again",
    },
  ]) {
    test(`${script}: status, code, message and action`, async ({ world, app, complaints }) => {
      complaints.allow(statusLine(Number(/\d{3}/.exec(script)?.[0])));
      const server = await world.liveServer({ script });
      await app.open(server.address);
      await generate(app);
      const outcome = banner(app, title);
      await expect(outcome).toBeVisible();
      await expect(outcome).toContainText(text);
      await expect(outcome.getByRole("button", { name: action })).toBeVisible();
      await expect(app.tasks).toHaveCount(0);
      await expect(app.button(/^Approve/)).toHaveCount(0);
      await app.expectBrief({ goal: "Sort the letters" });
    });
  }

  test("no-cors: a response that the page may not read counts as no response", async ({
    world,
    app,
    complaints,
  }) => {
    complaints.allow(NO_RESPONSE, NOT_READABLE);
    const server = await world.liveServer({ script: "no-cors" });
    await app.open(server.address);
    await generate(app);
    const outcome = banner(app, /^The model endpoint did not respond$/);
    await expect(outcome).toContainText("CORS policy must allow this page's origin");
  });

  test("interrupted-once: Generate again starts over", async ({ world, app }) => {
    const server = await world.liveServer({ script: "interrupted-once" });
    await app.open(server.address);
    await generate(app);
    await banner(app, /^The response was interrupted/).getByRole("button", { name: "Generate again" }).click();
    await expect(app.heading("Complete: 8 tasks, all valid")).toBeVisible();
    await expect(app.tasks).toHaveCount(8);
    expect(await world.testbed.asked(world.tag)).toHaveLength(2);
  });

  test("no-json-schema: the request falls back to another response format, and the page says so", async ({
    world,
    app,
    complaints,
  }) => {
    complaints.allow(statusLine(400));
    const server = await world.liveServer({ script: "no-json-schema" });
    await app.open(server.address);
    await generate(app);
    await expect(app.heading("Complete: 8 tasks, all valid")).toBeVisible();
    await expect(
      app.page.getByText("The endpoint rejected the response format", { exact: false }),
    ).toBeVisible();
    expect(await world.testbed.asked(world.tag)).toHaveLength(2);
  });
});
