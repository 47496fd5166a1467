// The JavaScript examples of the README, unchanged, in an otherwise empty page.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { required } from "./program.ts";
import { TaskServer, Testbed } from "./servers.ts";

test("every JavaScript example of the README runs as written", async ({ page }) => {
  const readme = await readFile(join(required("TASKWRIGHT_ROOT"), "README.md"), "utf8");
  const examples = Array.from(readme.matchAll(/^```js\n(.*?)^```$/gms), ([, code]) => code!);
  expect(examples.length).toBeGreaterThan(0);

  const testbed = await Testbed.start();
  const folder = await mkdtemp(join(tmpdir(), "taskwright-readme-"));
  const server = await TaskServer.start(folder);
  try {
    const script = examples
      .join("\n")
      .replaceAll("http://localhost:11434/v1", testbed.model("plain", "readme"))
      .replaceAll("http://localhost:8080", server.address)
      .replaceAll("llama3.2", "scripted");
    await page.route("**/example.js", (route) =>
      route.fulfill({ contentType: "text/javascript", body: `${script}\nwindow.ended = true;` }),
    );
    const failures: string[] = [];
    const logged: string[] = [];
    page.on("pageerror", (error) => failures.push(String(error)));
    page.on("console", (message) => logged.push(message.text()));
    // A page of the server: the browser does not let a routed page call loopback.
    await page.goto(`${server.address}/healthz`);
    await page.evaluate(() => {
      document.body.appendChild(document.createElement("div")).id = "app";
    });
    await page.addScriptTag({ url: "/example.js", type: "module" });
    await page
      .waitForFunction(() => "ended" in window, undefined, { timeout: 30_000 })
      .catch(() => failures.push("the examples did not finish"));
    expect(failures).toEqual([]);

    const stored = (await server.tasks()).map(({ text }) => text);
    expect(stored).toHaveLength(3);
    // Each task was reported when it arrived, got a receipt, and arrived through a TaskStream too.
    // Requests run concurrently, so they may be stored in another order.
    expect(logged.filter((line) => stored.includes(line)).sort()).toEqual([...stored, ...stored].sort());
    expect(logged.filter((line) => line.endsWith(" delivered"))).toHaveLength(3);
    expect(logged.at(-1)).toBe("complete 0");
  } finally {
    await Promise.all([testbed.stop(), server.stop()]);
    await rm(folder, { recursive: true });
  }
});
