// The fault proxy as a browser meets it. What the tests of a delivery make of its reports rests on
// this: a browser sends no request twice by itself, and the page sees of each fault what it should.
import type { Fault } from "./servers.ts";
import { NOT_READABLE, NO_ANSWER, expect, statusLine, test } from "./world.ts";

/** What a page can tell of each fault: the status and `Retry-After`, or that it could not read. */
const SEEN: Record<Fault, string> = {
  drop_before: "no answer",
  drop_after: "no answer",
  delay: "201 null",
  truncate: "201 null, cut",
  status_429: "429 2",
  status_503: "503 2",
  status_500_bare: "no answer",
  status_503_bare: "503 null",
  reset: "no answer",
};

/** The faults of which the task server hears nothing. */
const KEPT_BACK: Fault[] = ["drop_before", "status_429", "status_503", "status_503_bare", "reset"];

for (const fault of Object.keys(SEEN) as Fault[]) {
  test(`a page that meets ${fault} has sent each post once`, async ({ page, world, complaints }) => {
    // The 404 is that of the icon, which is asked for with any document.
    complaints.allow(NO_ANSWER, NOT_READABLE, ...[404, 429, 500, 503].map(statusLine));
    const server = await world.taskServer();
    const faulty = [3, 6, 7];
    const at = Object.fromEntries(faulty.map((number) => [number, fault]));
    const proxy = await world.faultProxy(server.address, { at, delay_ms: 100, retry_after_s: 2 });
    await page.goto(`${server.address}/openapi.json`);

    // Some before the fault, so that a browser that kept connections would have them, then four at
    // a time.
    const seen = await page.evaluate(async (address) => {
      const post = async (key: string): Promise<string> => {
        try {
          const answer = await fetch(`${address}/tasks`, {
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
          const head = `${answer.status} ${answer.headers.get("retry-after")}`;
          return await answer.text().then(
            () => head,
            () => `${head}, cut`,
          );
        } catch {
          return "no answer";
        }
      };
      const one_by_one: string[] = [];
      for (const key of ["a", "b", "c", "d"]) one_by_one.push(await post(key));
      return [...one_by_one, ...(await Promise.all(["e", "f", "g", "h"].map(post)))];
    }, proxy.address);

    const posts = await proxy.faults();
    expect(posts.map((post) => post.idempotency_key).sort()).toEqual([..."abcdefgh"]);
    const outcome = (key: string | null) => seen[[..."abcdefgh"].indexOf(key ?? "")];
    for (const post of posts) {
      expect(post.fault).toBe(faulty.includes(post.number) ? fault : null);
      expect(outcome(post.idempotency_key)).toBe(post.fault ? SEEN[fault] : "201 null");
      expect(post.reached_upstream).toBe(!post.fault || !KEPT_BACK.includes(fault));
    }
    const taken = posts.filter((post) => post.reached_upstream);
    expect((await server.tasks()).map((task) => task.idempotencyKey).sort()).toEqual(
      taken.map((post) => post.idempotency_key).sort(),
    );
  });
}
