// Measures the first load of the page in dist/ and of its baseline in Chromium, over a throttled
// connection, and writes the figures to standard output as one line of JSON. Started by
// `cargo xtask bench load`, which builds dist/ first.
//
//   CHROMIUM_PATH=… node load.mjs ROUNDS [quick]
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";

import { chromium } from "@playwright/test";
import { build } from "esbuild";

import { Figures } from "../figures.mjs";
import { CHROMIUM_ARGUMENTS, fileOfDist, serve } from "../static-site.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const MEGABIT = 125_000;
/** Connections, and by how much the processor is slowed down. */
const CONDITIONS = [
  { name: "10 Mbit/s, 40 ms", bytesPerSecond: 10 * MEGABIT, latency: 40, cpu: 1 },
  { name: "10 Mbit/s, 40 ms, processor slowed 4 times", bytesPerSecond: 10 * MEGABIT, latency: 40, cpu: 4 },
  { name: "1.6 Mbit/s, 150 ms", bytesPerSecond: 1.6 * MEGABIT, latency: 150, cpu: 1 },
];

const [rounds = "5", quick] = process.argv.slice(2);
if (!process.env.CHROMIUM_PATH) throw new Error("CHROMIUM_PATH is not set. Run: cargo xtask bench");

const bundle = await build({
  entryPoints: [join(HERE, "baseline.tsx")],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  jsx: "automatic",
  write: false,
  logLevel: "error",
  define: { "process.env.NODE_ENV": '"production"' },
});
/** Compressed here, because that takes longer than loading it. */
const baseline = new Map(
  [
    ["/index.html", '<!doctype html><title>Baseline</title><div id="app"></div><script type="module" src="app.js"></script>'],
    ["/app.js", Buffer.from(bundle.outputFiles[0].contents)],
  ].map(([path, content]) => [path, { bytes: brotliCompressSync(content), encoding: "br" }]),
);

const ours = await serve(fileOfDist);
const theirs = await serve(async (path) => baseline.get(path));

/** Notes when the goal can be typed and when *Generate* can be pressed and acts. */
function observe() {
  const times = {};
  Object.assign(window, { times });
  const note = () => {
    const goal = document.querySelector("#goal");
    const button = document.querySelector("button[type=submit]");
    if (goal && !goal.disabled) times.typing ??= performance.now();
    const isStarting = document.querySelector('[data-state="starting"]');
    if (button && !button.disabled && !isStarting) times.ready ??= performance.now();
    if (times.ready === undefined) requestAnimationFrame(note);
  };
  note();
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH,
  args: CHROMIUM_ARGUMENTS,
});

async function load(address, { bytesPerSecond, latency, cpu }) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency,
    downloadThroughput: bytesPerSecond,
    uploadThroughput: bytesPerSecond,
  });
  await session.send("Emulation.setCPUThrottlingRate", { rate: cpu });
  await page.addInitScript(observe);
  await page.goto(address);
  await page.waitForFunction(() => window.times.ready !== undefined, undefined, { timeout: 60_000 });
  const times = await page.evaluate(() => window.times);
  await context.close();
  return times;
}

const figures = new Figures();
for (let round = 0; round < Number(rounds); round += 1) {
  for (const condition of quick ? CONDITIONS.slice(0, 1) : CONDITIONS) {
    // The baseline first: it is the 1.00 of the table.
    for (const [name, { address }] of [["baseline", theirs], ["Taskwright", ours]]) {
      const times = await load(address, condition);
      for (const [what, time] of [["accepts typing", times.typing], ["Generate is ready", times.ready]]) {
        const table = `${what}, ${condition.name}`;
        figures.add(table, name, time);
      }
    }
  }
}
const version = browser.version();
await browser.close();
ours.server.close();
theirs.server.close();
console.log(figures.output(version));
