// How a model's answer can end: what the page says of it, and that nothing partial is taken for
// whole before the operator says so.
import type { Desk } from "./desk.ts";
import { expect, NO_ANSWER, NOT_READABLE, statusLine, test } from "./world.ts";

const WANTED = 8;

async function ask(desk: Desk): Promise<void> {
  await desk.write({ goal: "Sort the letters", count: String(WANTED) });
  await desk.generate();
}

/** The banner about the answer. */
function banner(desk: Desk, title: RegExp) {
  return desk.page
    .getByRole("region", { name: "Tasks" })
    .locator("[role=status], [role=alert]")
    .filter({ has: desk.heading(title) });
}

/** Nothing can be approved or posted, neither from the list nor in the open task. */
async function expectNothingApprovable(desk: Desk): Promise<void> {
  await expect(desk.button(/^Approve/)).toHaveCount(0);
  await expect(desk.foot).toBeHidden();
  await desk.tasks.first().getByRole("button").first().click();
  await expect(desk.page.getByText("The answer is not complete. Keep its whole tasks first.")).toBeVisible();
  await expect(desk.button(/^Approve/)).toHaveCount(0);
  await desk.tasks.first().getByRole("button").first().press("a");
  await expect(desk.tasks.first()).toContainText("Ready");
  await desk.closeTask();
}

test.describe("an answer that ends early", () => {
  for (const { script, pauseMs, title, said, kept, console } of [
    {
      script: "cut-off",
      title: /^Cut off after [1-7] of 8 tasks$/,
      said: "Raise the max output tokens (max_completion_tokens)",
      kept: "a cut-off answer",
      console: [],
    },
    {
      script: "filtered",
      title: /^The endpoint's content filter stopped the answer$/,
      said: "Change the wording of the brief, or accept the partial response.",
      kept: "a filtered answer",
      console: [],
    },
    {
      script: "refused-halfway",
      title: /^The model refused$/,
      said: "Change the brief, or choose another model.",
      kept: "a refused answer",
      console: [],
    },
    {
      script: "interrupted",
      title: /^The answer broke off after [1-7] of 8 tasks$/,
      said: "Try again, or accept the partial response.",
      kept: "an interrupted answer",
      console: [],
    },
    {
      script: "broken",
      pauseMs: 5,
      title: /^The answer broke off after [1-7] of 8 tasks$/,
      said: "Try again, or accept the partial response.",
      kept: "an interrupted answer",
      console: [NO_ANSWER],
    },
    {
      script: "done-alone",
      title: /^The answer broke off after 8 of 8 tasks$/,
      said: "Try again, or accept the partial response.",
      kept: "an interrupted answer",
      console: [],
    },
    {
      script: "error-in-stream",
      title: /^The model endpoint is in trouble/,
      said: "The server had an error while processing your request.",
      kept: "a failed answer",
      console: [],
    },
    {
      script: "odd-finish",
      title: /^The answer cannot be used/,
      said: "",
      kept: "a failed answer",
      console: [],
    },
  ]) {
    test(`${script}: its whole tasks are kept by a deliberate act alone, its half one never`, async ({
      world,
      desk,
      complaints,
    }) => {
      complaints.allow(...console);
      const server = await world.liveServer({ script, ...(pauseMs ? { pauseMs } : {}) });
      await desk.open(server.address);
      await ask(desk);
      const about = banner(desk, title);
      await expect(about).toBeVisible();
      await expect(about).toContainText(said);
      await expectNothingApprovable(desk);

      const whole = await desk.tasks.count();
      const texts = await desk.texts();
      const summary = about.getByText(/^Raw answer, [\d,]+ characters$/);
      await summary.click();
      const raw = await about.locator("pre").last().innerText();
      // The raw answer also holds what only the model was asked for, and the half task.
      for (const text of texts) expect(raw).toContain(`"key":"${JSON.parse(text).key}"`);
      const noun = whole === 1 ? "whole task" : "whole tasks";
      await about.getByRole("button", { name: `Keep the ${whole} ${noun} of ${kept}` }).click();

      await expect(desk.tasks).toHaveCount(whole);
      await desk.approveAll(whole);
      await desk.postWithDefaultToken(whole, server.host);
      await expect(desk.heading(`Posted to ${server.host}: ${whole} delivered`)).toBeVisible();
      const stored = (await server.tasks()).map((task) => task.text);
      expect(stored.sort()).toEqual(texts.sort());
    });
  }
});

test("a cut in the middle of a task leaves that task out, whatever the byte", async ({
  world,
  desk,
  complaints,
}) => {
  complaints.allow(NO_ANSWER);
  const model = { base_url: `${world.testbed.address}/v1`, model: "" };
  const server = await world.taskServer({ config: () => ({}) });
  for (const byte of [200, 1500, 2222]) {
    model.model = `scripted:cut-at-byte?cut_at_byte=${byte}&tag=${world.tag}`;
    await server.preset({ connection: `Cut at ${byte}`, model });
    await desk.open(server.address, `Live → Cut at ${byte}`);
    await ask(desk);
    await expect(desk.heading(/^The answer broke off after \d of 8 tasks$/)).toBeVisible();
    await expect(desk.button(/^Approve/)).toHaveCount(0);
    for (const task of await desk.tasks.all()) await expect(task).toContainText("Ready");
    await desk.press("Put the run aside");
  }
  const asked = await world.testbed.asked(world.tag);
  expect(asked.map((request) => request.answer.ended)).toEqual(["cut", "cut", "cut"]);
});

test("a refusal is shown in the model's own words, and leads back to the brief", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "refused" });
  await desk.open(server.address);
  await ask(desk);
  const about = banner(desk, /^The model refused$/);
  await expect(about).toContainText("I'm sorry, I can't help with planning that.");
  await expect(desk.tasks).toHaveCount(0);
  await about.getByRole("button", { name: "Change the brief" }).click();
  await expect(desk.field("Goal")).toBeFocused();
  await expect(desk.field("Goal")).toHaveValue("Sort the letters");
});

test("a complete answer of another count says so and can be approved", async ({ world, desk }) => {
  const server = await world.liveServer({ script: "too-few" });
  await desk.open(server.address);
  await ask(desk);
  await expect(desk.heading(/^Complete: /)).toHaveText(
    "Complete: 7 tasks of the 8 asked for, all valid",
  );
  await desk.approveAll(7);
});

test("Stop works at once: the request is abandoned, what is whole can be kept", async ({
  world,
  desk,
}) => {
  const server = await world.liveServer({ script: "slow" });
  await desk.open(server.address);
  await ask(desk);
  await expect(desk.tasks.first()).toContainText("Ready");
  await expect(desk.button(/^Approve/)).toHaveCount(0);
  await desk.press("Stop generating");
  const about = banner(desk, /^You stopped it after [1-7] of 8 tasks$/);
  await expect(about).toBeVisible();
  await expect
    .poll(async () => (await world.testbed.asked(world.tag)).map((request) => request.answer.ended))
    .toEqual(["abandoned"]);
  await expectNothingApprovable(desk);
  const whole = await desk.tasks.count();
  await about.getByRole("button", { name: /^Keep the .* of a stopped answer$/ }).click();
  await desk.approveAll(whole);
  await expect(desk.foot).toContainText(`${whole} of ${whole} task`);
});

test("Stop works before the first byte", async ({ world, desk, complaints }) => {
  complaints.allow(NO_ANSWER);
  const server = await world.liveServer({ script: "hang" });
  await desk.open(server.address);
  await ask(desk);
  await desk.press("Stop generating");
  await expect(desk.heading("You stopped it after 0 of 8 tasks")).toBeVisible();
  await expect
    .poll(async () => (await world.testbed.asked(world.tag)).map((request) => request.answer.ended))
    .toEqual(["abandoned"]);
});

test("an answer from which nothing comes for a minute has stalled", async ({ world, desk }) => {
  // The page's own timers run ahead; network and server keep to the time of the world.
  await desk.page.clock.install();
  const server = await world.liveServer({ script: "stalled" });
  await desk.open(server.address);
  await ask(desk);
  await expect(desk.tasks.first()).toContainText("Ready");
  await desk.page.clock.fastForward(59_000);
  await expect(desk.button("Stop generating")).toBeVisible();
  await desk.page.clock.fastForward(61_000);
  await expect(banner(desk, /^Nothing arrived any more after [1-7] of 8 tasks$/)).toBeVisible();
  await expectNothingApprovable(desk);
});

test.describe("an endpoint that fails", () => {
  for (const { script, title, said, act } of [
    {
      script: "http-400",
      title: /^The model endpoint does not take a parameter: 400/,
      said: "temperature",
      act: "Generate again",
    },
    {
      script: "http-401",
      title: /^The model endpoint refused the key: 401 invalid_api_key$/,
      said: "Incorrect API key provided.",
      act: "Enter another key",
    },
    {
      script: "http-403",
      title: /^The model endpoint does not allow this: 403/,
      said: "country",
      act: "Enter another key",
    },
    {
      script: "http-404",
      title: /^The model endpoint does not have this model: 404 model_not_found$/,
      said: "Choose a model from the endpoint's list",
      act: "Change the settings",
    },
    {
      script: "http-429",
      title: /^The model endpoint is asked too often: 429/,
      said: "Wait 1 s and try again",
      act: "Generate again",
    },
    {
      script: "http-429-quota",
      title: /^The account of the model endpoint is used up: 429 insufficient_quota$/,
      said: "",
      act: "Generate again",
    },
    {
      script: "http-500",
      title: /^The model endpoint is in trouble: 500/,
      said: "",
      act: "Generate again",
    },
    {
      script: "html-502",
      title: /^The model endpoint is in trouble: 502/,
      said: "What the endpoint sent",
      act: "Generate again",
    },
  ]) {
    test(`${script}: status, code, words and what to do`, async ({ world, desk, complaints }) => {
      complaints.allow(statusLine(Number(/\d{3}/.exec(script)?.[0])));
      const server = await world.liveServer({ script });
      await desk.open(server.address);
      await ask(desk);
      const about = banner(desk, title);
      await expect(about).toBeVisible();
      await expect(about).toContainText(said);
      await expect(about.getByRole("button", { name: act })).toBeVisible();
      await expect(desk.tasks).toHaveCount(0);
      await expect(desk.button(/^Approve/)).toHaveCount(0);
      await desk.expectBrief({ goal: "Sort the letters" });
    });
  }

  test("no-cors: an answer that the page may not read is an endpoint that did not answer", async ({
    world,
    desk,
    complaints,
  }) => {
    complaints.allow(NO_ANSWER, NOT_READABLE);
    const server = await world.liveServer({ script: "no-cors" });
    await desk.open(server.address);
    await ask(desk);
    const about = banner(desk, /^The model endpoint did not answer$/);
    await expect(about).toContainText("the server's CORS policy must allow this page's origin");
  });

  test("interrupted-once: asking again is one press, and begins anew", async ({ world, desk }) => {
    const server = await world.liveServer({ script: "interrupted-once" });
    await desk.open(server.address);
    await ask(desk);
    await banner(desk, /^The answer broke off/).getByRole("button", { name: "Generate again" }).click();
    await expect(desk.heading("Complete: 8 tasks, all valid")).toBeVisible();
    await expect(desk.tasks).toHaveCount(8);
    expect(await world.testbed.asked(world.tag)).toHaveLength(2);
  });

  test("no-json-schema: an endpoint that refuses the schema is asked again with less, and it is said", async ({
    world,
    desk,
    complaints,
  }) => {
    complaints.allow(statusLine(400));
    const server = await world.liveServer({ script: "no-json-schema" });
    await desk.open(server.address);
    await ask(desk);
    await expect(desk.heading("Complete: 8 tasks, all valid")).toBeVisible();
    await expect(
      desk.page.getByText("The endpoint does not take this form of structured output", { exact: false }),
    ).toBeVisible();
    expect(await world.testbed.asked(world.tag)).toHaveLength(2);
  });
});
