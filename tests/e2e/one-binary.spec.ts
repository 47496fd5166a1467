// taskwright-server with the page of `cargo xtask dist` inside, alone in an empty folder: no checkout, and
// no program on the path.
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

import { Program, required } from "./program.ts";
import { expect, test } from "./world.ts";

let folder: string;
let server: Program;

/** Starts the program in an empty folder. */
async function start(flags: string[] = []): Promise<Program> {
  const environment = { PATH: "", HOME: folder, XDG_DATA_HOME: "" };
  return Program.start(required("TASKWRIGHT_SERVER_BIN"), ["--port", "0", ...flags], environment, folder);
}

test.beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskwright-binary-"));
  server = await start();
});

test.afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** A response with the bytes that were sent: `fetch` would decompress them. */
async function response(path: string, accepted = "identity"): Promise<{ sent: IncomingMessage; bytes: Buffer }> {
  const sent = await new Promise<IncomingMessage>((resolve, reject) => {
    get(server.address + path, { headers: { "accept-encoding": accepted } }, resolve).on("error", reject);
  });
  const parts: Buffer[] = [];
  for await (const part of sent) parts.push(part as Buffer);
  return { sent, bytes: Buffer.concat(parts) };
}

test("every file of the page is in the program, with its compressed variants", async () => {
  const dist = required("TASKWRIGHT_ROOT");
  const names = (await readdir(join(dist, "assets"), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(dist.length));
  expect(names.length).toBeGreaterThan(10);
  for (const name of ["/index.html", "/sw.js", ...names]) {
    const expected = await readFile(join(dist, name));
    const plain = await response(name);
    expect(plain.sent.statusCode, name).toBe(200);
    expect(plain.bytes.equals(expected), name).toBe(true);
    expect(plain.sent.headers["cache-control"]).toBe(
      name.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
    );
    // A picture is compressed already.
    if (name.endsWith(".png")) continue;
    for (const [encoding, decompress] of [["br", brotliDecompressSync], ["gzip", gunzipSync]] as const) {
      const { sent, bytes } = await response(name, encoding);
      expect(sent.headers["content-encoding"], name).toBe(encoding);
      expect(decompress(bytes).equals(expected), name).toBe(true);
      expect(bytes.length, name).toBeLessThan(expected.length);
    }
  }
});

test("page and API have one origin, and a task arrives", async ({ app }) => {
  const page = await response("/");
  expect(page.sent.headers["content-type"]).toBe("text/html");
  expect(page.sent.headers["content-security-policy"]).toContain("frame-ancestors 'none'");
  const schema = JSON.parse((await response("/tasks/schema")).bytes.toString());
  expect(schema.type).toBe("object");

  const { host } = new URL(server.address);
  await app.open(server.address, /^Dry run — /);
  await app.page.getByText("Live", { exact: true }).click();
  await app.dialog("Settings: Preset").getByRole("button", { name: "Cancel" }).click();
  await app.press("Import tasks…");
  const dialog = app.dialog("Import tasks");
  await dialog
    .getByRole("textbox")
    .fill('{"key":"a","title":"Try it","instructions":"Post this.","priority":"low"}');
  await dialog.getByRole("button", { name: "Import 1 task" }).click();
  await app.approveAll(1);
  await app.postWithDefaultToken(1, host);
  await expect(app.heading(`Posted to ${host}: 1 delivered`)).toBeVisible();
});

test("an unchanged page is not sent again", async () => {
  const { etag } = (await response("/")).sent.headers;
  const status = async (tag: string) =>
    (await fetch(`${server.address}/`, { headers: { "if-none-match": tag, "accept-encoding": "identity" } })).status;
  expect(await status(etag!)).toBe(304);
  expect(await status('"another"')).toBe(200);
});

test("--static-dir overrides the page inside, and --no-page leaves it out", async () => {
  const checkout = join(required("TASKWRIGHT_ROOT"), "..");
  const other = await start(["--static-dir", checkout]);
  expect(await (await fetch(`${other.address}/`)).text()).toContain("static/boot.js");
  await other.stop();
  const none = await start(["--no-page"]);
  expect((await fetch(`${none.address}/`)).status).toBe(404);
  expect((await fetch(`${none.address}/config.json`)).status).toBe(404);
  expect((await fetch(`${none.address}/tasks/schema`)).status).toBe(200);
  await none.stop();
});
