// Runs one part of the benchmarks in Chromium and writes its figures to standard output as one line
// of JSON. Started by `cargo xtask bench`, which builds the module first.
//
//   CHROMIUM_PATH=… node drive.mjs PART ROUNDS [quick]
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "@playwright/test";
import { build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const PKG = fileURLToPath(new URL("../../pkg", import.meta.url));
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" };
const PAGE = "<!doctype html><title>Benchmark</title>";

const [part = "", rounds = "5", quick] = process.argv.slice(2);
if (!/^[a-z]+$/.test(part)) throw new Error(`${part} is not the name of a part`);
if (!process.env.CHROMIUM_PATH) throw new Error("CHROMIUM_PATH is not set. Run: cargo xtask bench");

/** The part and its baselines as one module; Taskwright's module stays the file that ships. */
const bundle = await build({
  entryPoints: [join(HERE, `${part}.ts`)],
  bundle: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  write: false,
  logLevel: "error",
  define: { "process.env.NODE_ENV": '"production"' },
  plugins: [
    {
      name: "the built module",
      setup(build) {
        build.onResolve({ filter: /\/pkg\/taskwright\.js$/ }, () => ({
          path: "/pkg/taskwright.js",
          external: true,
        }));
      },
    },
  ],
});
const script = bundle.outputFiles[0]?.contents ?? new Uint8Array();

/** The content type and content of a path, or `undefined` if there is no such path. */
async function content(path) {
  if (path === "/") return ["text/html", PAGE];
  if (path === "/part.js") return ["text/javascript", script];
  const name = /^\/pkg\/([a-z_]+\.(?:js|wasm))$/.exec(path)?.[1];
  return name && [TYPES[extname(name)], await readFile(join(PKG, name))];
}

const server = createServer(async (request, response) => {
  const found = await content(new URL(request.url ?? "/", "http://localhost").pathname);
  if (!found) {
    response.writeHead(404).end();
    return;
  }
  // Cross-origin isolation gives the page a clock resolution of 5 µs instead of 100 µs.
  response.writeHead(200, {
    "content-type": found[0],
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  });
  response.end(found[1]);
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH,
  args: [
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--js-flags=--expose-gc",
  ],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const figures = await page.evaluate(
    async (options) => {
      const { run } = await import("/part.js");
      return run(options);
    },
    { rounds: Number(rounds), quick: quick === "quick" },
  );
  console.log(JSON.stringify({ browser: browser.version(), figures }));
} finally {
  await browser.close();
  server.close();
}
