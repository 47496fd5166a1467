// The page on a plain static web server below a path, and in browsers that cannot run it.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { pathToFileURL } from "node:url";

import { tasks } from "./app-page.ts";
import { required } from "./program.ts";
import { Recorder } from "./recorder.ts";
import { expect, statusLine, test } from "./world.ts";

const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
};

const PATH = "/apps/taskwright";

/** Serves the checkout below a path, except for files that match `missing`. */
async function serve(missing?: RegExp): Promise<{ address: string; server: Server }> {
  const root = required("TASKWRIGHT_ROOT");
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const rest = pathname.startsWith(`${PATH}/`) ? pathname.slice(PATH.length) : "";
    const file = join(root, normalize(rest.endsWith("/") ? `${rest}index.html` : rest));
    stat(file)
      .then((found) => {
        if (rest === "" || missing?.test(rest) || !found.isFile()) throw new Error("not here");
        response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "text/plain" });
        createReadStream(file).pipe(response);
      })
      .catch(() => response.writeHead(404, { "content-type": "text/plain" }).end("Not found"));
  });
  // On a loaded machine, a connection that Node closes after 5 idle seconds may reset a request.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}${PATH}/`, server };
}

test("the checkout on a plain web server below a path completes a dry run", async ({
  app,
  complaints,
}) => {
  // A missing config.json is the same as an empty one.
  complaints.allow(statusLine(404));
  const { address, server } = await serve();
  const asked: string[] = [];
  server.on("request", (request) => asked.push(request.url ?? ""));
  await app.open(address, "Dry run — nothing leaves this page");
  await app.fillBrief({ goal: "Sort the letters", count: "4" });
  const recorder = await Recorder.start(app.page, { gate: "shut" });
  await app.generate();
  await app.approveAll(4);
  const receipts = tasks(4, "dry receipt");
  await app.foot.getByRole("button", { name: `Write ${receipts}` }).click();
  await app.dialog(`Write ${receipts}?`).getByRole("button", { name: `Write ${receipts}` }).click();
  await expect(app.heading(`Dry run done: ${receipts}, 0 requests`)).toBeVisible();
  expect(await recorder.requests()).toEqual([]);
  expect(asked.filter((path) => !path.startsWith(`${PATH}/`)), "no request outside its folder").toEqual([]);
  server.close();
});

test.describe("the shell can be read before WebAssembly has loaded, and nothing moves when the page replaces it", () => {
  for (const { width, live } of [
    { width: 360, live: false },
    { width: 360, live: true },
    { width: 1280, live: false },
    { width: 1280, live: true },
  ]) {
    test(`at ${width} px, ${live ? "live" : "dry"}`, async ({ app, world }) => {
      const server = live ? await world.liveServer({ script: "plain" }) : await world.taskServer();
      await app.page.setViewportSize({ width, height: 800 });
      await app.page.addInitScript(() => {
        const shifts: unknown[] = [];
        Object.assign(window, { shifts });
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            const { value, sources } = entry as unknown as {
              value: number;
              sources: { node?: Element }[];
            };
            shifts.push([value, ...sources.map(({ node }) => node?.outerHTML?.slice(0, 120))]);
          }
        }).observe({ type: "layout-shift", buffered: true });
      });
      let release = () => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      await app.page.route("**/*.wasm", async (route) => {
        await held;
        await route.continue();
      });
      await app.page.goto(server.address);
      await expect(app.modeBand).toHaveText("Starting…");
      await expect(app.page.getByLabel("Goal")).toBeVisible();
      release();
      await expect(app.modeBand).toHaveText(live ? /^Live → / : /^Dry run — /);
      await expect(app.field("Goal")).toBeEditable();
      // After two frames the shifts of the last change are recorded.
      const shifts = await app.page.evaluate(
        () =>
          new Promise((resolve) =>
            requestAnimationFrame(() =>
              requestAnimationFrame(() => resolve((window as unknown as { shifts: unknown }).shifts)),
            ),
          ),
      );
      expect(shifts).toEqual([]);
    });
  }
});

test("without its module the page says what to build", async ({ app, complaints }) => {
  complaints.allow(statusLine(404));
  const { address, server } = await serve(/^\/pkg\//);
  await app.page.goto(address);
  const problem = app.page.getByRole("alert");
  await expect(problem).toContainText("Taskwright has not been built yet");
  await expect(problem).toContainText("cargo xtask run");
  await expect(app.modeBand).toHaveText("Not running");
  server.close();
});

test("from a file the page says what to open instead", async ({ app, complaints }) => {
  complaints.allow(/file:\/\//, /net::ERR_/);
  await app.page.goto(pathToFileURL(join(required("TASKWRIGHT_ROOT"), "index.html")).href);
  await expect(app.page.getByRole("alert")).toContainText("Taskwright cannot run from a file");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test("the page says what it needs", async ({ app, world }) => {
    const server = await world.taskServer();
    await app.page.goto(server.address);
    const problem = app.page.getByRole("alert");
    await expect(problem).toContainText("Taskwright needs JavaScript and WebAssembly");
    await expect(problem).toContainText("Allow scripts for this address");
  });
});
