// Helpers of the delivery benchmark: tasks to post, the steps in the page, and timers that run in
// the page itself.
import type { CDPSession, Page } from "@playwright/test";

import type { AppPage } from "../../tests/e2e/app-page.ts";

/** The JSON texts of `count` tasks, about 600 bytes each. */
export function taskTexts(count: number): string[] {
  const instructions = "Go through the archive shelf by shelf, in order, and write down which files are missing. ".repeat(5);
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      key: `task-${index + 1}`,
      title: `Shelf ${index + 1} of the archive`,
      instructions: instructions + index,
      priority: "normal",
      labels: ["archive", "shelf"],
    }),
  );
}

/** Imports tasks from a file and approves all of them. */
export async function importAndApprove(app: AppPage, texts: string[]): Promise<void> {
  await importTasks(app, texts);
  await approve(app, texts.length);
}

/** Imports tasks from a file and waits until all are validated. */
export async function importTasks(app: AppPage, texts: string[]): Promise<void> {
  await app.press("Import tasks…");
  const dialog = app.dialog("Import tasks");
  await dialog.getByLabel("Or choose a .json or .jsonl file").setInputFiles({
    name: "tasks.jsonl",
    mimeType: "application/json",
    buffer: Buffer.from(texts.join("\n")),
  });
  await dialog.getByRole("button", { name: `Import ${grouped(texts.length)} tasks` }).click();
  await app.button(`Approve ${grouped(texts.length)} valid tasks`).waitFor();
}

/** Approves all `count` valid tasks. */
export async function approve(app: AppPage, count: number): Promise<void> {
  await app.press(`Approve ${grouped(count)} valid tasks`);
  await app.foot.getByText(`${grouped(count)} of ${grouped(count)} tasks approved`).waitFor();
}

/** Posts all approved tasks. Returns the milliseconds from the last click to the final banner. */
export async function post(app: AppPage, count: number, host: string): Promise<number> {
  await app.page.evaluate(() => {
    const clock = globalThis as unknown as { begun: number; ended: number };
    addEventListener("click", () => (clock.begun = performance.now()), { capture: true });
    new MutationObserver(() => {
      if (!clock.ended && /Posted to .*delivered/.test(document.querySelector(".banner h3")?.textContent ?? "")) {
        clock.ended = performance.now();
      }
    }).observe(document, { subtree: true, childList: true, characterData: true });
  });
  const label = `Post ${grouped(count)} tasks to ${host}`;
  await app.foot.getByRole("button", { name: label }).click();
  await app
    .dialog(`Post ${grouped(count)} tasks?`)
    .getByRole("button", { name: "Use “changeme”, the local default" })
    .click();
  await app.heading(`Posted to ${host}: ${grouped(count)} delivered`).waitFor({ timeout: 20 * 60_000 });
  return app.page.evaluate(() => {
    const clock = globalThis as unknown as { begun: number; ended: number };
    return clock.ended - clock.begun;
  });
}

/** Posts with a plain fetch loop in the page, which reads every response. Returns milliseconds. */
export function plainLoop(page: Page, address: string, texts: string[], concurrency: number): Promise<number> {
  return page.evaluate(
    async ({ address, texts, concurrency }) => {
      const begun = performance.now();
      let next = 0;
      const worker = async () => {
        for (let index = next++; index < texts.length; index = next++) {
          const response = await fetch(address, {
            method: "POST",
            headers: { "content-type": "application/json", "x-agent-token": "changeme" },
            body: texts[index] ?? "",
            credentials: "omit",
            cache: "no-store",
          });
          if (!response.ok) throw new Error(`status ${response.status}`);
          await response.text();
        }
      };
      await Promise.all(Array.from({ length: concurrency }, worker));
      return performance.now() - begun;
    },
    { address, texts, concurrency },
  );
}

/** Starts to measure how long the page is too busy to handle input. */
export async function watchDelays(page: Page): Promise<void> {
  await page.evaluate(() => {
    const watch = globalThis as unknown as { longest: number; over100: number };
    watch.longest = 0;
    watch.over100 = 0;
    const channel = new MessageChannel();
    let before = performance.now();
    channel.port1.onmessage = () => {
      const now = performance.now();
      const delay = now - before;
      watch.longest = Math.max(watch.longest, delay);
      if (delay > 100) watch.over100 += 1;
      before = now;
      setTimeout(() => {
        before = performance.now();
        channel.port2.postMessage(0);
      }, 4);
    };
    channel.port2.postMessage(0);
  });
}

/** The longest delay since the last call, in milliseconds, and the number of delays over 100 ms. */
export function takeDelays(page: Page): Promise<{ longest: number; over100: number }> {
  return page.evaluate(() => {
    const watch = globalThis as unknown as { longest: number; over100: number };
    const seen = { longest: watch.longest, over100: watch.over100 };
    watch.longest = 0;
    watch.over100 = 0;
    return seen;
  });
}

/** The memory of the page in bytes, WebAssembly and JavaScript, after garbage collection. */
export async function memory(page: Page): Promise<{ wasm: number; heap: number }> {
  const session: CDPSession = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const prototype = await session.send("Runtime.evaluate", { expression: "WebAssembly.Memory.prototype" });
  const found = await session.send("Runtime.queryObjects", {
    prototypeObjectId: prototype.result.objectId ?? "",
  });
  const sum = await session.send("Runtime.callFunctionOn", {
    objectId: found.objects.objectId ?? "",
    functionDeclaration: "function () { return this.reduce((sum, held) => sum + held.buffer.byteLength, 0); }",
    returnByValue: true,
  });
  const heap = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return { wasm: Number(sum.result.value), heap: heap.usedSize };
}

/** A number as the page shows it: `10,000`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}
