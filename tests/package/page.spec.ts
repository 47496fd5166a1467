// The package in a page of its users, from a plain `<script type="module">`.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

import { expect, test, type Page } from "@playwright/test";

import { Testbed } from "../e2e/servers.ts";
import { installedFolder } from "./install.ts";

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

/** Serves the installed package while `use` runs. */
async function served(use: (address: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/empty.html") {
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><link rel=icon href=data:,><div id=app></div>");
      return;
    }
    const file = join(installedFolder(), normalize(pathname));
    stat(file)
      .then(() => {
        response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "text/plain" });
        createReadStream(file).pipe(response);
      })
      .catch(() => response.writeHead(404).end());
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** The errors that a page reports from now on. */
function failuresOf(page: Page): string[] {
  const failures: string[] = [];
  page.on("pageerror", (error) => failures.push(String(error)));
  page.on("console", (message) => message.type() === "error" && failures.push(message.text()));
  return failures;
}

test("the example page streams tasks and checks them", async ({ page }) => {
  const testbed = await Testbed.start();
  const failures = failuresOf(page);
  try {
    await served(async (address) => {
      await page.goto(`${address}/examples/page.html`);
      await page.getByLabel("Goal").fill("Paint the fence");
      await page.getByLabel("Base URL").fill(testbed.model("invalid-tasks", "package-page"));
      await page.getByLabel("Model").fill("scripted");
      await page.getByRole("button", { name: "Generate" }).click();
      await expect(page.locator("output")).toHaveText("complete");
      const items = await page.locator("li").allTextContents();
      expect(items).toHaveLength(3);
      expect(items[0]).toMatch(/title.*: \{/);
      await page.getByLabel("Base URL").fill("http://example.com");
      await page.getByRole("button", { name: "Generate" }).click();
      await expect(page.locator("output")).toContainText("https");
    });
    expect(failures).toEqual([]);
  } finally {
    await testbed.stop();
  }
});

test("a page that mounts Taskwright with its style sheet looks like the page", async ({ page }) => {
  const failures = failuresOf(page);
  await served(async (address) => {
    await page.goto(`${address}/empty.html`);
    await page.addStyleTag({ url: "/style.css" });
    await page.evaluate(async () => {
      const module = await import("/taskwright.js" as string);
      await module.default();
      module.mount(document.getElementById("app"), { query: "?dry-run&count=2" });
    });
    await expect(page.getByRole("button", { name: "Generate" })).toBeVisible();
    const icons = await page.locator("svg.icon:visible, svg.app-mark:visible").evaluateAll((all) => all.map((icon) => icon.getBoundingClientRect().width));
    expect(icons.length).toBeGreaterThan(0);
    expect(Math.max(...icons)).toBeLessThan(64);
  });
  // A page that has no config.json: the browser logs the 404.
  expect(failures.filter((failure) => !failure.includes("404"))).toEqual([]);
});
