// The page of `cargo xtask dist` without a network, and how it is updated (static/sw.js,
// static/offline.js). `cargo xtask test dist` runs this file; in a checkout there is no worker.
import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { BrowserContext, Page } from "@playwright/test";

import { AppPage } from "./app-page.ts";
import { required } from "./program.ts";
import { PATH, StaticHost } from "./static-host.ts";
import { NO_RESPONSE, expect, statusLine, test } from "./world.ts";

test.use({ serviceWorkers: "allow" });

const DRY = "Dry run — nothing leaves this page";
const NOTICE = "A new version is available.";

let folder: string;
let host: StaticHost;

test.beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskwright-offline-"));
  host = await StaticHost.start(await version(1));
});

test.afterEach(async ({ context }) => {
  // A page that still loads something would report the stopped server in its console.
  await Promise.all(context.pages().map((page) => page.close()));
  await host.stop();
  await rm(folder, { recursive: true });
});

const digest = (text: Buffer | string) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

/** The folder of a version of the page: all files have names of its own, and its title has its number. */
async function version(number: number): Promise<string> {
  const made = join(folder, `version-${number}`);
  await cp(required("TASKWRIGHT_ROOT"), made, { recursive: true });
  const [assets] = await readdir(join(made, "assets"));
  const renamed = String(number).padStart(16, "0");
  await rename(join(made, "assets", assets!), join(made, "assets", renamed));
  const edit = async (name: string, change: (text: string) => string) => {
    const text = change(await readFile(join(made, name), "utf8"));
    await writeFile(join(made, name), text);
    return text;
  };
  const read = () => readFile(join(made, `assets/${renamed}/shell.js`));
  const shellBefore = digest(await read());
  await edit(`assets/${renamed}/shell.js`, (text) => text.replaceAll(assets!, renamed));
  const shell = digest(await read());
  const before = digest(await readFile(join(made, "index.html")));
  const page = await edit("index.html", (text) =>
    text
      .replaceAll(assets!, renamed)
      .replace(shellBefore, shell)
      .replace("<title>Taskwright</title>", `<title>Taskwright ${number}</title>`),
  );
  await edit("sw.js", (text) =>
    text
      .replaceAll(assets!, renamed)
      .replace(shellBefore, shell)
      .replace(before, digest(page))
      .replace(/VERSION = "\w+"/, `VERSION = "version-${number}"`),
  );
  return made;
}

/** Waits until the page's version is stored and the worker serves the page. */
async function stored(page: Page): Promise<void> {
  const isStored = () =>
    page.evaluate(async () => {
      const version = await caches.match(new URL("version", location.href));
      return version !== undefined && navigator.serviceWorker.controller !== null;
    });
  await expect.poll(isStored).toBe(true);
}

/** The first visit of a page at `address`. */
async function visit(app: AppPage, address = host.address): Promise<void> {
  await app.open(address, /^Dry run — |^Live → /);
  await stored(app.page);
}

/** Turns the network off, for all pages and workers. */
async function goOffline(context: BrowserContext): Promise<void> {
  await host.stop();
  await context.setOffline(true);
}

async function goOnline(context: BrowserContext): Promise<void> {
  await host.resume();
  await context.setOffline(false);
}

/** The names of all caches. */
function cacheNames(page: Page): Promise<string[]> {
  return page.evaluate(() => caches.keys());
}

/** The addresses and texts of everything in all caches. */
function everythingStored(page: Page): Promise<[string, string][]> {
  return page.evaluate(async () => {
    const entries: [string, string][] = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        entries.push([request.url, await (await cache.match(request))!.text()]);
      }
    }
    return entries;
  });
}

test("after the first visit, dry run, review, export and import work without a network", async ({
  app,
  context,
  page,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE);
  await visit(app);
  await goOffline(context);
  await page.goto(`${host.address}?count=4`);
  await expect(app.modeBand).toHaveText(DRY);
  await expect(page.getByRole("alert")).toHaveCount(0);
  await app.fillBrief({ goal: "Sort the letters" });
  await app.generate();
  await expect(app.tasks).toHaveCount(4);
  const texts = await app.texts();
  await app.approveAll(4);

  await app.press("Export tasks…");
  const dialog = app.dialog("Export 4 tasks");
  const downloading = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Save file" }).click();
  const json = await readFile(await (await downloading).path(), "utf8");
  await dialog.getByText("Close", { exact: true }).click();
  await app.foot.getByRole("button", { name: "Write 4 dry receipts" }).click();
  await app.dialog("Write 4 dry receipts?").getByRole("button", { name: "Write 4 dry receipts" }).click();
  await expect(app.heading("Dry run done: 4 dry receipts, 0 requests")).toBeVisible();

  await page.reload();
  await expect(app.tasks).toHaveCount(4);
  await app.press("Archive this run");
  await app.press("Import tasks…");
  const importing = app.dialog("Import tasks");
  await importing.getByRole("textbox").fill(json);
  await importing.getByRole("button", { name: "Import 4 tasks" }).click();
  expect(await app.texts()).toEqual(texts);
});

test("config.json comes from the network, and what the page accepted last is used without one", async ({
  app,
  context,
  page,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE);
  const config = join(host.folder, "config.json");
  await writeFile(config, '{ "notice": "The first notice." }');
  await visit(app);
  await expect(page.getByText("The first notice.")).toBeVisible();
  await writeFile(config, '{ "notice": "The second notice." }');
  await page.reload();
  await expect(page.getByText("The second notice.")).toBeVisible();
  await expect.poll(async () => JSON.stringify(await everythingStored(page))).toContain("The second notice.");
  await goOffline(context);
  await page.reload();
  await expect(app.modeBand).toHaveText(DRY);
  await expect(page.getByText("The second notice.")).toBeVisible();

  await goOnline(context);
  await writeFile(config, '{ "notice": "Third.", "model": { "api_key": "sk-of-a-careless-deployer" } }');
  await page.reload();
  await expect(page.getByRole("alert").filter({ hasText: "config.json contains a secret" })).toBeVisible();
  expect(JSON.stringify(await everythingStored(page))).not.toContain("sk-of-a-careless-deployer");
});

test("a deployment without config.json has none without a network either", async ({
  app,
  context,
  page,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE, statusLine(404));
  host.missing = /^\/config\.json$/;
  await visit(app);
  await goOffline(context);
  await page.reload();
  await expect(app.modeBand).toHaveText(DRY);
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("a new version is used when the operator asks for it, not before, and a run that is open stays", async ({
  app,
  context,
  page,
  complaints,
}) => {
  complaints.allow(NO_RESPONSE);
  await visit(app);
  await app.fillBrief({ goal: "Sort the letters", count: "3" });
  await app.generate();
  await app.approveAll(3);
  host.folder = await version(2);
  await page.reload();
  await expect(page.getByText(NOTICE)).toBeVisible();
  await expect(page).toHaveTitle("Taskwright 1");
  await page.getByRole("button", { name: "Later" }).click();
  await expect(page.getByText(NOTICE)).toHaveCount(0);

  // Closing all tabs lets the browser exchange the worker, but not the version.
  await page.close();
  const later = new AppPage(await context.newPage());
  await later.page.goto(host.address);
  await expect(later.page.getByText(NOTICE)).toBeVisible();
  await expect(later.page).toHaveTitle("Taskwright 1");
  await expect(later.page.getByText("3 of 3 tasks approved")).toBeVisible();

  await later.press("Reload to update");
  await expect(later.page).toHaveTitle("Taskwright 2");
  await expect(later.page.getByText("3 of 3 tasks approved")).toBeVisible();
  await expect(later.field("Goal")).toHaveValue("Sort the letters");
  await goOffline(context);
  await later.page.reload();
  await expect(later.page).toHaveTitle("Taskwright 2");
  await expect(later.page.getByText("3 of 3 tasks approved")).toBeVisible();
  await expect(later.page.getByText(NOTICE)).toHaveCount(0);
});

test("the notice covers nothing at any width", async ({ app, page }) => {
  await visit(app);
  host.folder = await version(2);
  await page.reload();
  for (const width of [360, 768, 1280]) {
    await page.setViewportSize({ width, height: 720 });
    await expect(page.getByText(NOTICE)).toBeVisible();
    const size = await page.evaluate(() => ({
      height: document.documentElement.scrollHeight,
      width: document.documentElement.scrollWidth,
      below: document.querySelector(".app")!.getBoundingClientRect().top,
      line: document.querySelector(".update")!.getBoundingClientRect().bottom,
    }));
    expect(size).toMatchObject({ height: 720, width });
    expect(size.below).toBe(size.line);
  }
});

test("a version of which a file is missing is not used, and is stored once the file is there", async ({
  app,
  page,
  complaints,
}) => {
  complaints.allow(statusLine(404));
  await visit(app);
  host.folder = await version(2);
  host.missing = /split_work\.wasm$/;
  await page.reload();
  const missing = `${PATH}/assets/${"2".padStart(16, "0")}/split_work.wasm`;
  await expect.poll(() => host.requests).toContain(missing);
  await app.loaded();
  await expect.poll(() => cacheNames(page)).toEqual([
    `taskwright ${PATH}/`,
    `taskwright ${PATH}/ version-1`,
  ]);
  await expect(page.getByText(NOTICE)).toHaveCount(0);
  await expect(page).toHaveTitle("Taskwright 1");

  host.missing = undefined;
  await page.reload();
  await expect(page.getByText(NOTICE)).toBeVisible();
});

test("a page that does not belong to its worker is not stored", async ({ app, page, complaints }) => {
  complaints.allow(/Failed to find a valid digest in the 'integrity' attribute/);
  await visit(app);
  const next = await version(2);
  // The new files are there, but index.html is not the one that was published with them.
  const index = join(next, "index.html");
  await writeFile(index, `${await readFile(index, "utf8")}<!-- injected -->`);
  host.folder = next;
  const before = host.requests.length;
  await page.reload();
  await expect.poll(() => host.requests.slice(before)).toContain(`${PATH}/`);
  await app.loaded();
  await expect.poll(() => cacheNames(page)).toHaveLength(2);
  await expect(page.getByText(NOTICE)).toHaveCount(0);
});

test("a tab that was opened before an update keeps its version, and both work", async ({ app, context, page }) => {
  await visit(app);
  const other = new AppPage(await context.newPage());
  await other.open(host.address, DRY);
  host.folder = await version(2);
  await other.page.reload();
  await other.press("Reload to update");
  await expect(other.page).toHaveTitle("Taskwright 2");
  await expect(page).toHaveTitle("Taskwright 1");
  // The deployment has the files of the second version only.
  const asset = `assets/${"1".padStart(16, "0")}/split_work.wasm`;
  const status = await page.evaluate(async (path) => (await fetch(path)).status, asset);
  expect(status).toBe(200);
  expect(host.requests).not.toContain(`${PATH}/${asset}?`);
  await app.fillBrief({ goal: "Sort the letters", count: "2" });
  await app.generate();
  await expect(app.tasks).toHaveCount(2);
  await other.fillBrief({ goal: "Tidy the shed", count: "3" });
  await other.generate();
  await expect(other.tasks).toHaveCount(3);
});

test("nothing of an endpoint and no secret is stored, also if page and endpoint share an origin", async ({
  app,
  page,
  world,
}) => {
  const server = await world.liveServer({ script: "exact-text", tokens: "of-this-test" });
  await visit(app, server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.post(3, server.host);
  await app.enterToken(server.host, "of-this-test");
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const [assets] = await readdir(join(required("TASKWRIGHT_ROOT"), "assets"));
  const entries = await everythingStored(page);
  const paths = entries.map(([address]) => address.slice(server.address.length));
  expect(paths.filter((path) => !path.startsWith(`/assets/${assets}/`)).sort()).toEqual([
    "/",
    "/config.json",
    "/version",
  ]);
  const texts = JSON.stringify(entries);
  expect(texts).not.toContain("of-this-test");
  for (const { text } of await server.tasks()) expect(texts).not.toContain(JSON.stringify(text).slice(1, -1));
});

test("if the deployment has no worker any more, the page stops using it", async ({ app, page, complaints }) => {
  complaints.allow(statusLine(404), /bad HTTP response code \(404\) was received when fetching the script/);
  await visit(app);
  host.folder = await version(2);
  host.missing = /^\/sw\.js$/;
  await page.reload();
  await expect(page).toHaveTitle("Taskwright 1");
  await expect(page.getByText(NOTICE)).toBeVisible();
  await app.press("Reload to update");
  await expect(page).toHaveTitle("Taskwright 2");
  expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0);
});

test("if the deployment serves no page any more, the stored one stays", async ({ app, page, complaints }) => {
  complaints.allow(statusLine(404), /bad HTTP response code \(404\) was received when fetching the script/);
  await visit(app);
  host.missing = /./;
  const asked = page.waitForResponse((response) => {
    const request = response.request();
    return request.method() === "HEAD" && !request.url().endsWith("sw.js");
  });
  await page.reload();
  await asked;
  await page.reload();
  await expect(page).toHaveTitle("Taskwright 1");
  await expect(page.getByText(NOTICE)).toHaveCount(0);
});

test("the manifest has no errors", async ({ app, page }) => {
  await app.open(host.address, DRY);
  const session = await page.context().newCDPSession(page);
  const { errors, url, data } = await session.send("Page.getAppManifest");
  expect(errors).toEqual([]);
  const manifest = JSON.parse(data!);
  expect(new URL(manifest.scope, url).href).toBe(host.address);
  expect(new URL(manifest.start_url, url).href).toBe(host.address);
  for (const { src } of manifest.icons) {
    const icon = await page.request.get(new URL(src, url).href);
    expect(icon.status(), src).toBe(200);
  }
});
