// The fault proxy as a browser sees it. The delivery tests rely on this: a browser never repeats a
// request by itself, and the page sees each fault as expected.
import type { Fault } from "./servers.ts";
import { NOT_READABLE, NO_RESPONSE, expect, statusLine, test } from "./world.ts";

/** What a page sees of each fault: status and `Retry-After`, or that there is no readable response. */
const SEEN: Record<Fault, string> = {
  drop_before: "no response",
  drop_after: "no response",
  delay: "201 null",
  truncate: "201 null, cut",
  status_429: "429 2",
  status_503: "503 2",
  status_500_bare: "no response",
  status_503_bare: "503 null",
  reset: "no response",
};

/** The faults whose posts do not reach the task server. */
const NOT_FORWARDED: Fault[] = ["drop_before", "status_429", "status_503", "status_503_bare", "reset"];

for (const fault of Object.keys(SEEN) as Fault[]) {
  test(`a page sends each post once despite ${fault}`, async ({ page, world, complaints }) => {
    // The 404 is for the icon, which the browser requests with any document.
    complaints.allow(NO_RESPONSE, NOT_READABLE, ...[404, 429, 500, 503].map(statusLine));
    const server = await world.taskServer();
    const faulty = [3, 6, 7];
    const at = Object.fromEntries(faulty.map((number) => [number, fault]));
    const proxy = await world.faultProxy(server.address, { at, delay_ms: 100, retry_after_s: 2 });
    await page.goto(`${server.address}/openapi.json`);

    // First one at a time, so that the browser has open connections to reuse, then four at a time.
    const seen = await page.evaluate(async (address) => {
      const post = async (key: string): Promise<string> => {
        try {
          const response = await fetch(`${address}/tasks`, {
            method: "POST",
            headers: {
              "content-type": "application/json",
              "x-agent-token": "changeme",
              "idempotency-key": key,
            },
            body: JSON.stringify({
              key,
              title: "Try it",
              instructions: "Post this.",
              priority: "low",
            }),
          });
          const head = `${response.status} ${response.headers.get("retry-after")}`;
          return await response.text().then(
            () => head,
            () => `${head}, cut`,
          );
        } catch {
          return "no response";
        }
      };
      const sequential: string[] = [];
      for (const key of ["a", "b", "c", "d"]) sequential.push(await post(key));
      return [...sequential, ...(await Promise.all(["e", "f", "g", "h"].map(post)))];
    }, proxy.address);

    const posts = await proxy.faults();
    expect(posts.map((post) => post.idempotency_key).sort()).toEqual([..."abcdefgh"]);
    const outcome = (key: string | null) => seen[[..."abcdefgh"].indexOf(key ?? "")];
    for (const post of posts) {
      expect(post.fault).toBe(faulty.includes(post.number) ? fault : null);
      expect(outcome(post.idempotency_key)).toBe(post.fault ? SEEN[fault] : "201 null");
      expect(post.reached_upstream).toBe(!post.fault || !NOT_FORWARDED.includes(fault));
    }
    const taken = posts.filter((post) => post.reached_upstream);
    expect((await server.tasks()).map((task) => task.idempotencyKey).sort()).toEqual(
      taken.map((post) => post.idempotency_key).sort(),
    );
  });
}
