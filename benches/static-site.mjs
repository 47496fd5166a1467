// Serves a site for a benchmark in Chromium.
import { createServer } from "node:http";
import { readFile, stat } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** How Chromium is started: without work in the background. */
export const CHROMIUM_ARGUMENTS = [
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A file of `dist/`, compressed if it is there in that form. */
export async function fileOfDist(path) {
  const file = join(DIST, path);
  const compressed = `${file}.br`;
  if (await stat(compressed).catch(() => undefined)) {
    return { bytes: await readFile(compressed), encoding: "br" };
  }
  return { bytes: await readFile(file) };
}

/** Serves `read(path)`, which returns `bytes` and their `encoding`, as a static host does. */
export async function serve(read) {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname);
    const name = path === "/" ? "/index.html" : path;
    const found = await read(name).catch(() => undefined);
    if (!found) return response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": TYPES[extname(name)] ?? "application/octet-stream",
      ...(found.encoding && { "content-encoding": found.encoding }),
      "cache-control": "no-store",
      // Cross-origin isolation gives the page a clock resolution of 5 µs instead of 100 µs.
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(found.bytes);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { server, address: `http://127.0.0.1:${server.address().port}/` };
}
