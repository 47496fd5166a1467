// From an empty page to the first delivered task, as a newcomer does it. Each click, each field that is
// filled and each paste is an action.
import type { Locator } from "@playwright/test";

import type { AppPage } from "../e2e/app-page.ts";
import type { Program } from "../e2e/program.ts";
import { expect, test } from "../e2e/world.ts";
import { express, fastapi, received, TOKEN } from "./peer.ts";

/** Acts as a person does, and counts. */
class Newcomer {
  actions = 0;

  constructor(private readonly app: AppPage) {}

  async click(button: Locator): Promise<void> {
    this.actions += 1;
    await button.click();
  }

  async fill(field: Locator, text: string): Promise<void> {
    this.actions += 1;
    await field.fill(text);
  }

  /** Pastes a text on the page, outside its fields. */
  async paste(text: string): Promise<void> {
    this.actions += 1;
    await this.app.page.evaluate((text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
    }, text);
  }

  /** Imports, approves and posts one task, which is on the clipboard. */
  async deliver(task: object, host: string): Promise<void> {
    const { app } = this;
    await this.paste(JSON.stringify(task));
    await this.click(app.dialog("Import tasks").getByRole("button", { name: "Import 1 task" }));
    await this.click(app.button(/^Approve 1 valid task/));
    await this.click(app.foot.getByRole("button", { name: `Post 1 task to ${host}` }));
    await this.click(app.dialog("Post 1 task?").getByRole("button", { name: `Post 1 task to ${host}` }));
    await expect(app.heading(`Posted to ${host}: 1 delivered`)).toBeVisible();
  }
}

let peer: Program | undefined;

test.afterEach(() => peer?.stop());

test("a FastAPI server gets its first task within ten actions from an empty page", async ({ world, app }) => {
  peer = await fastapi();
  const page = await world.taskServer({ config: () => ({}) });
  await app.open(page.address, /^Dry run/);
  const newcomer = new Newcomer(app);
  await newcomer.click(app.button("Settings"));
  const settings = app.dialog(/^Settings/);
  await newcomer.fill(settings.getByRole("textbox", { name: "Paste here" }), `${peer.address}/one`);
  await newcomer.click(settings.getByRole("button", { name: "Read and fill in" }));
  await expect(settings.getByText("The settings are filled in.")).toBeVisible();
  await newcomer.fill(settings.locator("#agent-token"), TOKEN);
  await newcomer.click(settings.getByRole("button", { name: "Save settings" }));
  const job = { title: "Sort the letters", urgency: "high", steps: ["Open them", "Sort them"] };
  const { host } = new URL(peer.address);
  await newcomer.deliver(job, host);

  expect(await (await fetch(`${peer.address}/one/jobs`)).json()).toEqual([job]);
  expect(newcomer.actions).toBeLessThanOrEqual(10);
  await app.tasks.first().getByRole("button").first().click();
  await expect(await app.deliveryTab()).toContainText("The server has the task.");
  await app.page.close();
});

test("an Express server with an envelope, a tenant and a query gets its first task within ten actions", async ({
  world,
  app,
}) => {
  peer = await express();
  const page = await world.taskServer({ config: () => ({}) });
  await app.open(page.address, /^Dry run/);
  const newcomer = new Newcomer(app);
  await newcomer.click(app.button("Settings"));
  const settings = app.dialog(/^Settings/);
  const command = `curl -X POST '${peer.address}/queue/jobs?lane=blue' \\
  -H 'Content-Type: application/json' -H 'X-Tenant: north' \\
  -H 'Authorization: Bearer t0p-s3cret-of-the-queue' \\
  -d '{"kind": "work", "job": {"title": "Sort the letters", "minutes": 20}}'`;
  await newcomer.fill(settings.getByRole("textbox", { name: "Paste here" }), command);
  await newcomer.click(settings.getByRole("button", { name: "Fill in the settings" }));
  await newcomer.click(settings.getByRole("button", { name: "Save settings" }));
  const job = { title: "Burn the letters", minutes: 5 };
  await newcomer.deliver(job, new URL(peer.address).host);

  expect(await received(`${peer.address}/queue`)).toEqual([{ kind: "work", job }]);
  expect(newcomer.actions).toBeLessThanOrEqual(10);
  await app.page.close();
});
