// Held secrets in what is about to leave the page or to be kept.
import { readFile } from "node:fs/promises";

import { expect, test } from "./world.ts";

const TOKEN = "hunter2-in-the-wrong-place";

test("a held secret leaves in a prompt, a file or a stored connection only after consent for that action", async ({
  world,
  app,
}) => {
  const server = await world.liveServer({ script: "plain", tokens: TOKEN });
  const prompts: string[] = [];
  app.page.on("request", (request) => {
    if (request.method() === "POST") prompts.push(request.postData() ?? "");
  });
  await app.open(server.address);
  let settings = await app.settings();
  await settings.locator("#agent-token").fill(TOKEN);
  await app.saveSettings();
  await expect(settings).toBeHidden();

  await app.fillBrief({ goal: "Tidy the archive", context: `Log in with ${encodeURIComponent(TOKEN)}`, count: "2" });
  await app.generate();
  const sending = app.dialog("Send a secret to the model?");
  await expect(sending).toContainText("The context contains the agent token.");
  await expect(sending).not.toContainText("hunter2");
  await app.page.keyboard.press("Enter");
  await expect(sending).toBeHidden();
  expect(prompts).toEqual([]);
  await app.generate();
  await sending.getByRole("button", { name: "Send anyway" }).click();
  await expect(app.heading("Complete: 2 tasks, all valid")).toBeVisible();
  expect(prompts.filter((prompt) => prompt.includes(TOKEN))).toHaveLength(1);

  await app.tasks.first().getByRole("button").first().click();
  await app.openJson();
  const text = await app.editor.inputValue();
  await app.editor.fill(text.replace(/"instructions":\s*"/, `$&Log in with ${TOKEN}. `));
  await app.closeTask();
  await app.press("Export tasks…");
  await app.dialog("Export 2 tasks").getByRole("button", { name: "Save file" }).click();
  const exporting = app.dialog("Export a secret?");
  await expect(exporting).toContainText("Task 1 contains the agent token.");
  const download = app.page.waitForEvent("download");
  await exporting.getByRole("button", { name: "Export anyway" }).click();
  expect(await readFile(await (await download).path(), "utf8")).toContain(TOKEN);
  await app.dialog("Export 2 tasks").getByText("Close", { exact: true }).click();

  const stored = () => app.page.evaluate(() => localStorage.getItem("taskwright.connections"));
  settings = await app.settings();
  await settings.getByRole("textbox", { name: "Body template" }).fill(`{"by": "${TOKEN}", "task": $task}`);
  await app.saveSettings();
  const storing = app.dialog("Store a secret in this browser?");
  await expect(storing).toContainText("The setting task_server/body_template of the connection");
  await storing.getByRole("button", { name: "Cancel" }).click();
  await expect(settings, "what was entered stays").toBeVisible();
  expect(await stored()).not.toContain(TOKEN);
  await app.saveSettings();
  await storing.getByRole("button", { name: "Save anyway" }).click();
  await expect(settings).toBeHidden();
  expect(await stored()).toContain(TOKEN);
});
