// The deployment's rules are known before anything is sent, and also hold for what was stored earlier.
import type { Request } from "@playwright/test";

import { expect, test } from "./world.ts";

test("nothing is sent before config.json was read", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  const before = (await world.testbed.asked(world.tag)).length;
  // The run is restored while config.json is still on its way.
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await app.page.route("**/config.json", async (route) => {
    await held;
    await route.continue();
  });
  await app.page.reload();
  await expect(app.tasks).toHaveCount(3);
  await app.foot.getByRole("button", { name: /^Post 3 tasks to/ }).click();
  await app.dialog("Post 3 tasks?").getByRole("button", { name: /^Post 3 tasks to/ }).click();
  await expect(app.page.getByText("The page has not finished reading config.json").first()).toBeVisible();
  await expect(app.dialog(/^Agent token for/), "no token is asked for").toHaveCount(0);
  expect(await server.tasks()).toEqual([]);
  expect((await world.testbed.asked(world.tag)).length).toBe(before);
  release();
  await expect(app.modeBand).toHaveText(/^Live → /);
  await app.postWithDefaultToken(3, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
});

test("a stored run is not posted to a host that the deployment no longer allows", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await server.preset({ allowed_hosts: ["tasks.example.com"] });
  await app.page.reload();
  await expect(app.tasks).toHaveCount(3);
  await app.foot.getByRole("button", { name: /^Post 3 tasks to/ }).click();
  await app.dialog("Post 3 tasks?").getByRole("button", { name: /^Post 3 tasks to/ }).click();
  await expect(app.page.getByText(/This deployment does not allow requests to/).first()).toBeVisible();
  await expect(app.dialog(/^Agent token for/), "no token is asked for").toHaveCount(0);
  expect(await server.tasks()).toEqual([]);
});

test("a stored run is not posted while config.json cannot be read", async ({ world, app, complaints }) => {
  complaints.allow(/status of 503/);
  const server = await world.liveServer({ script: "exact-text" });
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.page.route("**/config.json", (route) => route.fulfill({ status: 503 }));
  await app.page.reload();
  await expect(app.tasks).toHaveCount(3);
  await app.foot.getByRole("button", { name: /^Post 3 tasks to/ }).click();
  await app.dialog("Post 3 tasks?").getByRole("button", { name: /^Post 3 tasks to/ }).click();
  await expect(app.heading(/^No request to .* is made, because config\.json could not be read/)).toBeVisible();
  await expect(app.dialog(/^Agent token for/), "no token is asked for").toHaveCount(0);
  expect(await server.tasks()).toEqual([]);
});

test("no request of the module sends a cookie, not even to the page's own origin", async ({ world, app }) => {
  const server = await world.liveServer({ script: "exact-text", honoursKeys: true });
  const cookie = { name: "session", value: "of-another-page" };
  await app.page.context().addCookies([
    { ...cookie, url: server.address },
    { ...cookie, url: world.testbed.address },
  ]);
  const sent: Request[] = [];
  app.page.on("request", (request) => sent.push(request));
  await app.open(server.address);
  await app.generateTasks(3);
  await app.approveAll(3);
  await app.postWithDefaultToken(3, server.host);
  await expect(app.heading(`Posted to ${server.host}: 3 delivered`)).toBeVisible();
  const cookies: Record<string, string | undefined> = {};
  for (const request of sent) {
    const { pathname } = new URL(request.url());
    cookies[pathname] ??= (await request.allHeaders()).cookie;
  }
  expect(cookies["/"], "the browser sends it with the page itself").toContain("session=");
  for (const path of ["/config.json", "/tasks", `/scripted/exact-text/${world.tag}/v1/chat/completions`]) {
    expect(Object.keys(cookies), path).toContain(path);
    expect(cookies[path], path).toBeUndefined();
  }
});
