// The page on a plain static web server below a path, and in browsers that cannot run it.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { tasks } from "./app-page.ts";
import { required } from "./program.ts";
import { Recorder } from "./recorder.ts";
import { PATH, StaticHost } from "./static-host.ts";
import { expect, statusLine, test } from "./world.ts";

/** Serves the checkout below a path, except for files that match `missing`. */
async function serve(missing?: RegExp): Promise<StaticHost> {
  return StaticHost.start(required("TASKWRIGHT_ROOT"), missing);
}

test("the checkout on a plain web server below a path completes a dry run", async ({ app }) => {
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

test("a missing config.json is the same as an empty one", async ({ app, complaints }) => {
  complaints.allow(statusLine(404));
  const { address, server } = await serve(/^\/config\.json$/);
  await app.open(address, "Dry run — nothing leaves this page");
  await expect(app.page.getByRole("alert")).toHaveCount(0);
  server.close();
});

test.describe("in a frame", () => {
  for (const { of, isOther } of [
    { of: "another origin", isOther: true },
    { of: "its own origin", isOther: false },
  ]) {
    test(`of ${of} the page ${isOther ? "refuses to run and links to itself" : "runs"}`, async ({
      app,
      complaints,
    }) => {
      // The outer page has no icon.
      complaints.allow(statusLine(404));
      const { address, server } = await serve();
      // Another port is another origin.
      const outer = createServer((_request, response) => {
        response.writeHead(200, { "content-type": "text/html" });
        response.end(`<!doctype html><title>Outer</title><iframe width="1000" height="700" src="${address}"></iframe>`);
      });
      await new Promise<void>((resolve) => outer.listen(0, "127.0.0.1", resolve));
      const { port } = outer.address() as AddressInfo;
      if (isOther) {
        await app.page.goto(`http://127.0.0.1:${port}/`);
      } else {
        await app.page.goto(`${address}LICENSE-MIT`);
        await app.page.evaluate((inner) => {
          const frame = document.createElement("iframe");
          Object.assign(frame, { src: inner, width: 1000, height: 700 });
          document.body.append(frame);
        }, address);
      }
      const inner = app.page.frameLocator("iframe");
      const generate = inner.getByRole("button", { name: /^Generate/ });
      if (isOther) {
        const problem = inner.getByRole("alert");
        await expect(problem).toContainText("Taskwright does not run inside a page of another site");
        await expect(problem.getByRole("link")).toHaveAttribute("href", address);
        await expect(generate).toBeDisabled();
      } else {
        await expect(generate).toBeEnabled();
        await expect(inner.getByRole("alert")).toHaveCount(0);
      }
      outer.close();
      server.close();
    });
  }
});

test("in a browser without light-dark() the page says what it needs instead of being unreadable", async ({
  app,
}) => {
  const { address, server } = await serve();
  await app.page.addInitScript(() => {
    const supports = CSS.supports.bind(CSS) as (...query: string[]) => boolean;
    CSS.supports = (...query: string[]) =>
      !query.join(" ").includes("light-dark") && supports(...query);
  });
  await app.page.goto(address);
  const problem = app.page.getByRole("alert");
  await expect(problem).toContainText("This browser is too old for Taskwright");
  await expect(problem).toContainText("It lacks light-dark()");
  await expect(problem).toContainText("Firefox 125");
  await expect(app.modeBand).toHaveText("Not running");
  server.close();
});

test("no text becomes code, and markup that could run or load something is refused", async ({
  app,
  complaints,
}) => {
  complaints.allow(/policy violated: require-trusted-types-for/, /TrustedScript/);
  const { address, server } = await serve();
  await app.open(address, "Dry run — nothing leaves this page");
  const results = await app.page.evaluate(() => {
    const attempt = (action: () => unknown): string => {
      try {
        action();
        return "done";
      } catch (error) {
        return error instanceof Error ? error.name : "thrown";
      }
    };
    const place = document.createElement("div");
    return {
      script: attempt(() => (document.createElement("script").text = "1")),
      address: attempt(() => (document.createElement("script").src = "https://example.com/x.js")),
      handler: attempt(() => (place.innerHTML = '<p onclick="1">x</p>')),
      image: attempt(() => (place.innerHTML = '<img src="https://example.com/x.png">')),
      text: attempt(() => (place.innerHTML = '<p class="hint">x <strong>y</strong></p>')),
    };
  });
  expect(results).toEqual({
    script: "TypeError",
    address: "TypeError",
    handler: "TypeError",
    image: "TypeError",
    text: "done",
  });
  server.close();
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
