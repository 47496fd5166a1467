// The page of `cargo xtask dist`, whose module is cut into pieces. `cargo xtask test dist` runs this file;
// in a checkout the module is one file.
import { expect, test } from "./world.ts";

const MESSAGE = /A part of Taskwright could not be loaded/;

test("each file is requested once, and every piece soon after the page answers", async ({ app, world }) => {
  const server = await world.taskServer();
  const requested: string[] = [];
  app.page.on("request", (request) => requested.push(new URL(request.url()).pathname));
  await app.open(server.address, /^Dry run — /);
  const pieces = () => requested.filter((path) => path.endsWith(".wasm")).map((path) => path.split("/").at(-1));
  await expect.poll(pieces).toEqual(
    expect.arrayContaining(["split_application.wasm", "split_validator.wasm", "split_work.wasm", "taskwright_bg.wasm"]),
  );
  expect(requested.filter((path, index) => requested.indexOf(path) !== index)).toEqual([]);
  // A dry run, its review and its receipts need no further file.
  const before = requested.length;
  await app.fillBrief({ goal: "Ship the search", count: "3" });
  await app.generate();
  await app.approveAll(3);
  await app.press(/^Write 3 dry receipts/);
  await app.dialog("Write 3 dry receipts?").getByRole("button", { name: "Write 3 dry receipts" }).click();
  await expect(app.heading("Dry run done: 3 dry receipts, 0 requests")).toBeVisible();
  expect(requested.slice(before)).toEqual([]);
});

test("files are compressed, and only those named after their contents are kept without asking", async ({
  app,
  world,
}) => {
  const server = await world.taskServer();
  const headers = new Map<string, Record<string, string>>();
  app.page.on("response", (response) => headers.set(new URL(response.url()).pathname, response.headers()));
  await app.open(server.address, /^Dry run — /);
  for (const [path, { "content-encoding": encoding, "cache-control": caching }] of headers) {
    if (path === "/config.json") continue;
    // Chromium accepts brotli only over TLS and from this machine.
    expect(["br", "gzip"], path).toContain(encoding);
    expect(caching, path).toBe(path === "/" ? "no-cache" : "public, max-age=31536000, immutable");
  }
});

test("a piece that fails once is requested again, and Generate waits for it", async ({ app, world, complaints }) => {
  complaints.allow(/Failed to load resource|TypeError: Failed to fetch/);
  const server = await world.taskServer();
  let failures = 0;
  await app.page.route("**/split_validator.wasm", async (route) => {
    failures += 1;
    if (failures === 1) await route.abort("connectionreset");
    else await route.continue();
  });
  await app.page.goto(server.address);
  await expect(app.modeBand).toHaveText(/^Dry run — /);
  await app.fillBrief({ goal: "Ship the search", count: "3" });
  await app.press("Generate 3 tasks");
  await expect(app.tasks).toHaveCount(3);
  await expect(app.page.getByText(MESSAGE)).toHaveCount(0);
  expect(failures).toBe(2);
});

test("without the validator nothing is generated, the page says so, and the brief stays", async ({
  app,
  world,
  complaints,
}) => {
  complaints.allow(/Failed to load resource|TypeError: Failed to fetch/);
  const server = await world.taskServer();
  await app.page.route("**/split_validator.wasm", (route) => route.abort("connectionreset"));
  await app.page.goto(server.address);
  await expect(app.modeBand).toHaveText(/^Dry run — /);
  await app.fillBrief({ goal: "Ship the search", count: "3" });
  await app.press("Generate 3 tasks");
  await expect(app.page.getByText(MESSAGE)).toBeVisible();
  await expect(app.page.getByText("Waiting for the validator, which is still being loaded.")).toBeVisible();
  await expect(app.tasks).toHaveCount(0);
  await app.page.unrouteAll();
  await app.page.reload();
  await expect(app.field("Goal")).toHaveValue("Ship the search");
  await app.generate();
  await expect(app.tasks).toHaveCount(3);
});

test("a restored run waits for the pieces that it needs", async ({ app, world, complaints }) => {
  complaints.allow(/Failed to load resource|TypeError: Failed to fetch/);
  const server = await world.taskServer();
  await app.open(server.address, /^Dry run — /);
  await app.fillBrief({ goal: "Ship the search", count: "3" });
  await app.generate();
  await app.approveAll(3);
  for (const piece of ["split_validator.wasm", "split_work.wasm"]) {
    let isBlocked = true;
    await app.page.route(`**/${piece}`, (route) => (isBlocked ? route.abort("connectionreset") : route.continue()));
    await app.page.reload();
    await expect(app.page.getByText(MESSAGE)).toBeVisible();
    await expect(app.page.getByRole("region", { name: "Tasks" }).getByText("Loading…")).toBeVisible();
    isBlocked = false;
    await expect(app.tasks).toHaveCount(3);
    await expect(app.page.getByText("3 of 3 tasks approved")).toBeVisible();
  }
});

test("the application is requested again if it fails, and what is typed meanwhile stays", async ({
  app,
  world,
  complaints,
}) => {
  complaints.allow(/Failed to load resource|TypeError: Failed to fetch/);
  const server = await world.taskServer();
  let isBlocked = true;
  await app.page.route("**/split_application.wasm", (route) =>
    isBlocked ? route.abort("connectionreset") : route.continue(),
  );
  await app.page.goto(server.address);
  await expect(app.page.getByText(MESSAGE)).toBeVisible();
  await app.fillBrief({ goal: "Ship the search", count: "3" });
  await app.press("Generate 3 tasks");
  await expect(app.page.getByText(/Generation starts once it is ready/)).toBeVisible();
  isBlocked = false;
  await expect(app.tasks).toHaveCount(3);
  await expect(app.field("Goal")).toHaveValue("Ship the search");
});
