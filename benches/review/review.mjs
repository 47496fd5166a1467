// Measures the review of 10,000 tasks in the page of dist/ and in a plain table, in Chromium, and
// writes the figures to standard output as one line of JSON. Started by `cargo xtask bench review`,
// which builds dist/ first.
//
//   CHROMIUM_PATH=… node review.mjs ROUNDS [quick]
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { chromium } from "@playwright/test";
import { build } from "esbuild";

import { Figures } from "../figures.mjs";
import { CHROMIUM_ARGUMENTS, fileOfDist, serve } from "../static-site.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
/** Presses of a key and opened tasks per round. */
const REPEATS = 20;

const [rounds = "5", quick] = process.argv.slice(2);
if (!process.env.CHROMIUM_PATH) throw new Error("CHROMIUM_PATH is not set. Run: cargo xtask bench");
const COUNT = quick ? 1_000 : 10_000;

/** The tasks of `../browser/tasks.ts`. */
const { outputFiles } = await build({
  entryPoints: [`${HERE}../browser/tasks.ts`],
  bundle: true,
  format: "esm",
  write: false,
  logLevel: "error",
});
const { taskTexts } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
const file = {
  name: "tasks.jsonl",
  mimeType: "application/json",
  buffer: Buffer.from(taskTexts(COUNT).join("\n")),
};

const table = await readFile(`${HERE}plain-table.html`);
const theirs = await serve(async (path) => path === "/index.html" && { bytes: table });
const ours = await serve(fileOfDist);

/** What a contender is used by. */
const CONTENDERS = [
  {
    name: "plain table",
    address: theirs.address,
    row: "tr:not([hidden])",
    focus: "tr:not([hidden])",
    list: "#tasks",
    task: "#task",
    load: (page) => page.locator("#import-file").setInputFiles(file),
  },
  {
    name: "Taskwright",
    address: ours.address,
    row: ".task-row:not(.coming)",
    focus: ".task-open",
    list: ".task-list",
    task: "#task-title",
    load: async (page) => {
      await page.getByRole("button", { name: "Import", exact: false }).first().click();
      await page.locator("#import-file").setInputFiles(file);
      await page.locator("dialog [data-state=dry]").click();
      await page.locator("dialog button[type=submit]").click();
    },
  },
];

/** Runs in the page before its scripts: helpers that measure. */
function instruments() {
  const tasks = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries())).observe({ type: "longtask" });
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const painted = async () => {
    await frame();
    // A message is handled after the frame was painted.
    await new Promise((resolve) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = resolve;
      channel.port2.postMessage(0);
    });
  };
  const settled = async () => {
    for (let quiet = 0; quiet < 5; quiet += 1) await painted();
    await new Promise((resolve) => setTimeout(resolve, 100));
  };
  const key = (element, key) => {
    element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  };
  Object.assign(window, {
    bench: {
      frame,
      painted,
      settled,
      key,
      /** How long `act` takes until the result is painted. */
      async toPaint(act, isDone = () => true) {
        await settled();
        const start = performance.now();
        act();
        do await painted();
        while (!isDone());
        return performance.now() - start;
      },
      /** How long the longest task of the main thread takes during `act`; 0 if none takes 50 ms. */
      async longest(act) {
        await settled();
        const start = performance.now();
        await act();
        await settled();
        const during = tasks.filter((task) => task.startTime + task.duration > start);
        return Math.max(0, ...during.map((task) => task.duration));
      },
      percentile(values, share) {
        const sorted = values.toSorted((a, b) => a - b);
        return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
      },
    },
  });
}

/** Runs in the page: uses the list, and returns the figures by name. */
async function use({ row, focus, list, task, repeats }) {
  const { bench } = window;
  const one = (selector) => document.querySelector(selector);
  const figures = {};
  const type = (text) => {
    const search = one("#search");
    search.value = text;
    search.dispatchEvent(new Event("input", { bubbles: true }));
  };
  figures["nodes of the document"] = document.querySelectorAll("*").length;

  const scroller = one(list);
  figures["longest task while scrolling from top to bottom"] = await bench.longest(async () => {
    const end = scroller.scrollHeight - scroller.clientHeight;
    for (let step = 0; step <= 120; step += 1) {
      scroller.scrollTop = (end * step) / 120;
      await bench.frame();
    }
  });
  scroller.scrollTop = 0;

  const texts = ["b", "bi", "bil", "bill", "billing", "billing freeze", "größe", "none such", ""];
  const searches = [];
  figures["longest task while searching"] = await bench.longest(async () => {
    for (const text of texts) {
      const start = performance.now();
      type(text);
      await bench.painted();
      searches.push(performance.now() - start);
    }
  });
  figures["a letter of the search, to paint"] = bench.percentile(searches, 0.95);
  figures["cleared search, to the painted list"] = await (async () => {
    type("none such");
    return bench.toPaint(() => type(""), () => document.querySelectorAll(row).length > 5);
  })();

  one(focus).focus();
  const keys = [];
  for (let press = 0; press < repeats; press += 1) {
    keys.push(await bench.toPaint(() => bench.key(document.activeElement, "j")));
  }
  figures["key j, to paint"] = bench.percentile(keys, 0.95);

  const opened = [];
  for (let at = 1; at <= repeats; at += 1) {
    const target = document.querySelectorAll(focus)[at % 10];
    opened.push(await bench.toPaint(() => target.click()));
    if (!one(task)?.textContent) throw new Error("the task is not shown");
  }
  figures["opening a task, to paint"] = bench.percentile(opened, 0.95);
  return figures;
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH,
  args: CHROMIUM_ARGUMENTS,
});

async function measure({ address, name, load, ...selectors }) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.on("pageerror", (error) => {
    throw new Error(`${name}: ${error.message}`);
  });
  await page.addInitScript(instruments);
  await page.goto(address);
  await page.waitForFunction(() => document.querySelector("#import-file, button[type=submit]:not([disabled])"));
  await page.waitForTimeout(2_000);
  // The import acts through Playwright, so its longest task is watched from outside.
  await page.evaluate(() => {
    window.importing = window.bench.longest(() => new Promise((resolve) => (window.imported = resolve)));
  });
  await load(page);
  await page.waitForFunction(
    ({ row, count }) => {
      const rows = document.querySelector(row);
      const total = Number(rows?.getAttribute("aria-setsize") ?? document.querySelectorAll(row).length);
      return total === count;
    },
    { row: selectors.row, count: COUNT },
    { timeout: 120_000, polling: 50 },
  );
  const importing = await page.evaluate(() => {
    window.imported();
    return window.importing;
  });
  await page.waitForTimeout(3_000);
  const figures = await page.evaluate(use, { ...selectors, repeats: REPEATS });
  await context.close();
  return { "longest task while importing": importing, ...figures };
}

const figures = new Figures();
for (let round = 0; round < Number(rounds); round += 1) {
  // The plain table first: it is the 1.00 of the tables.
  for (const contender of CONTENDERS) {
    for (const [what, value] of Object.entries(await measure(contender))) {
      const table = `${what}, ${COUNT.toLocaleString("en")} tasks`;
      figures.add(table, contender.name, value, what.startsWith("nodes") ? "nodes" : "ms");
    }
  }
}
const version = browser.version();
await browser.close();
ours.server.close();
theirs.server.close();
console.log(figures.output(version));
