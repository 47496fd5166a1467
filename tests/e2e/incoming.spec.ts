// Tasks that are pasted or dropped on the page, outside its fields.
import { expect, test } from "./world.ts";

const TASKS = JSON.stringify([
  { key: "first", title: "First task", role: "writer", objective: "Write the first text." },
  { key: "second", title: "Second task", role: "writer", objective: "Write the second text." },
]);

test("tasks that are pasted on the page open the import, and other text does not", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const paste = (text: string, target: string) =>
    app.page.evaluate(
      ([text, target]) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", text);
        const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
        document.querySelector(target)!.dispatchEvent(event);
      },
      [text, target] as const,
    );
  const dialog = app.dialog("Import tasks");
  await paste("Buy milk", "body");
  await paste("Run this:\n```\nmake test\n```", "body");
  await paste(TASKS, "textarea");
  await expect(dialog).toHaveCount(0);
  await paste(`Here they are:\n\n\`\`\`json\n${TASKS}\n\`\`\``, "body");
  await expect(dialog.getByRole("button", { name: "Import 2 tasks" })).toBeVisible();
  await dialog.getByRole("textbox").fill("");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await paste(TASKS, "#tasks");
  await expect(dialog.getByRole("textbox")).toHaveValue(TASKS);
  // Text that is already in the field is not replaced.
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await paste("[]", "body");
  await expect(dialog).toContainText("There is other text here already.");
  await expect(dialog.getByRole("textbox")).toHaveValue(TASKS);
  await dialog.getByRole("button", { name: "Import 2 tasks" }).click();
  await expect(app.tasks).toHaveCount(2);
  await expect(app.page.locator("#tasks")).toBeFocused();
});

test("a text that is too long to be shown is imported without being shown", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  const task = { key: "long", title: "Long task", instructions: "x".repeat(3_000_000), priority: "low" };
  await app.press("Import tasks…");
  const dialog = app.dialog("Import tasks");
  const file = (text: string) => ({
    name: "tasks.json",
    mimeType: "application/json",
    buffer: Buffer.from(text),
  });
  await dialog.getByLabel(/choose a .json/).setInputFiles(file(`${JSON.stringify(task)} rest`));
  await expect(dialog.getByText("The text is 3.0 MB long.")).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Remove the text" })).toBeFocused();
  await dialog.getByRole("button", { name: /^Import / }).click();
  await expect(dialog.getByText(/not JSON|is no JSON|expected/i).first()).toBeVisible();
  await dialog.getByRole("button", { name: "Remove the text" }).click();
  await expect(dialog.getByRole("textbox")).toBeFocused();
  await dialog.getByLabel(/choose a .json/).setInputFiles(file(JSON.stringify(task)));
  await dialog.getByRole("button", { name: "Import 1 task" }).click();
  await expect(app.tasks).toHaveCount(1);
});

test("a file that is dropped on the page opens the import with its text", async ({ world, app }) => {
  const server = await world.liveServer({ script: "plain" });
  await app.open(server.address);
  /** Drops files with these bytes on the page. Returns whether the page took them from the browser. */
  const drop = (contents: number[][]) =>
    app.page.evaluate((contents) => {
      const dataTransfer = new DataTransfer();
      contents.forEach((bytes, at) =>
        dataTransfer.items.add(new File([new Uint8Array(bytes)], `tasks-${at}.json`, { type: "application/json" })),
      );
      const events = ["dragover", "drop"].map((name) => {
        const event = new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true });
        document.querySelector("#tasks")!.dispatchEvent(event);
        return event.defaultPrevented;
      });
      return events.every((prevented) => prevented);
    }, contents);
  const bytes = (text: string, encoding: BufferEncoding) => [...Buffer.from(text, encoding)];
  const dialog = app.dialog("Import tasks");
  expect(await drop([bytes(TASKS.replace("First", "Café"), "latin1")])).toBe(true);
  await expect(dialog).toContainText("“tasks-0.json” could not be read: it is not UTF-8 text.");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await drop([bytes(TASKS, "utf8"), bytes("[]", "utf8")]);
  await expect(dialog).toContainText("Of 2 files only “tasks-0.json” was read.");
  await dialog.getByRole("button", { name: "Import 2 tasks" }).click();
  await expect(app.tasks).toHaveCount(2);
});
