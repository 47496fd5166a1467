// The page object of the application. It finds every control by role and name, never by markup.
import { expect, type Locator, type Page } from "@playwright/test";

/** The fields of the brief. */
export interface Brief {
  goal?: string;
  context?: string;
  rules?: string;
  count?: string;
}

/** The page of the application. */
export class AppPage {
  constructor(readonly page: Page) {}

  /** Opens the page of a server and waits until the mode band shows `mode`. */
  async open(address: string, mode: RegExp | string = /^Live → /): Promise<void> {
    await this.page.goto(address);
    await expect(this.modeBand).toHaveText(mode);
    await this.loaded();
  }

  /** The same page in another tab of this browser. */
  async anotherTab(address: string): Promise<AppPage> {
    const other = new AppPage(await this.page.context().newPage());
    await other.open(address);
    return other;
  }

  /** Waits until all pieces of the module are loaded. In a checkout the module is one file. */
  async loaded(): Promise<void> {
    if (!process.env.TASKWRIGHT_HAS_PIECES) return;
    await this.page.waitForFunction(() => {
      const files = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
      return ["validator", "work"].every((piece) =>
        files.some(({ name, responseEnd }) => name.endsWith(`/split_${piece}.wasm`) && responseEnd > 0),
      );
    });
  }

  /** The band that shows the mode. */
  get modeBand(): Locator {
    return this.page.getByRole("status").filter({ hasText: /^(Dry run —|Live →|Starting|Not running)/ });
  }

  /** The tasks in the list, in order. */
  get tasks(): Locator {
    return this.page.getByRole("list", { name: "Tasks", exact: true }).getByRole("listitem");
  }

  /** A task in the list, by its key. */
  task(key: string): Locator {
    return this.tasks.filter({ has: this.page.getByText(key, { exact: true }) });
  }

  /** The editor for the exact text of the open task. It is shown after {@link openJson}. */
  get editor(): Locator {
    return this.page.getByRole("textbox", { name: "Task as JSON" });
  }

  /** The open task as a document. */
  get sheet(): Locator {
    return this.page.getByRole("tabpanel", { name: "Task", exact: true });
  }

  /** The button that approves the open task, whether or not another one is to be decided about. */
  get approveButton(): Locator {
    return this.button(/^Approve( and next)?$/);
  }

  /** The foot of the page: what can be posted, or the progress of posting. */
  get foot(): Locator {
    return this.page.getByRole("contentinfo", { name: "Post" });
  }

  /** A dialog, by its title. */
  dialog(title: string | RegExp): Locator {
    return this.page.getByRole("dialog", { name: title });
  }

  /** A button, by its full name. */
  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", typeof name === "string" ? { name, exact: true } : { name });
  }

  /** Presses a button. */
  async press(name: string | RegExp): Promise<void> {
    await this.button(name).click();
  }

  /** A heading of a banner, a problem or a pane. */
  heading(name: string | RegExp): Locator {
    return this.page.getByRole("heading", { name });
  }

  /** A field, by its label. */
  field(name: string | RegExp): Locator {
    return this.page.getByRole("textbox", { name });
  }

  /** Unfolds the brief, if it is folded beside an open task. */
  private async showBrief(): Promise<void> {
    const unfold = this.page.getByRole("button", { name: /^Show brief/ });
    if (await unfold.isVisible()) await unfold.click();
  }

  /** Fills in the given fields of the brief. */
  async fillBrief(brief: Brief): Promise<void> {
    await this.showBrief();
    if (brief.goal !== undefined) await this.field("Goal").fill(brief.goal);
    if (brief.context !== undefined) await this.field(/^Context/).fill(brief.context);
    if (brief.rules !== undefined) await this.field(/^Extra rules/).fill(brief.rules);
    if (brief.count !== undefined) await this.field("Number of tasks").fill(brief.count);
  }

  /** Expects these values in the brief. */
  async expectBrief(brief: Brief): Promise<void> {
    await this.showBrief();
    if (brief.goal !== undefined) await expect(this.field("Goal")).toHaveValue(brief.goal);
    if (brief.context !== undefined) await expect(this.field(/^Context/)).toHaveValue(brief.context);
    if (brief.rules !== undefined) await expect(this.field(/^Extra rules/)).toHaveValue(brief.rules);
    if (brief.count !== undefined) await expect(this.field("Number of tasks")).toHaveValue(brief.count);
  }

  /** Presses *Generate*. */
  async generate(): Promise<void> {
    await this.press(/^Generate (tasks|\d+ tasks?)$/);
  }

  /** Fills in a brief, generates its tasks, and waits until all have arrived and are valid. */
  async generateTasks(count: number, goal = "Tidy the archive"): Promise<void> {
    await this.fillBrief({ goal, count: String(count) });
    await this.generate();
    await expect(this.heading(/^Complete: /)).toHaveText(`Complete: ${tasks(count)}, all valid`);
    await expect(this.tasks).toHaveCount(count);
  }

  /** Approves all valid tasks; `count` is their number. */
  async approveAll(count: number): Promise<void> {
    await this.press(new RegExp(`^Approve ${tasks(count, "valid task")}(, [\\d,]+ not opened)?$`));
  }

  /** Presses *Post* in the foot and confirms; `host` is that of the task server. */
  async post(count: number, host: string): Promise<void> {
    await this.foot.getByRole("button", { name: `Post ${tasks(count)} to ${host}` }).click();
    await this.dialog(`Post ${tasks(count)}?`)
      .getByRole("button", { name: `Post ${tasks(count)} to ${host}` })
      .click();
  }

  /** The dialog that asks for the agent token: the confirmation, or a prompt of its own. */
  tokenDialog(host: string): Locator {
    return this.page
      .getByRole("dialog", { name: new RegExp(`^(Post [\\d,]+ tasks?\\?|Agent token for ${host})$`) })
      .filter({ has: this.page.getByRole("textbox", { name: "Agent token" }) });
  }

  /** Enters the agent token where it is asked for, and goes on. */
  async enterToken(host: string, token: string): Promise<void> {
    const dialog = this.tokenDialog(host);
    await dialog.getByRole("textbox", { name: "Agent token" }).fill(token);
    await dialog.getByRole("button", { name: /^(Use agent token|Post [\d,]+ tasks? to .*)$/ }).click();
  }

  /** Posts with the default token of a local server. */
  async postWithDefaultToken(count: number, host: string): Promise<void> {
    await this.foot.getByRole("button", { name: `Post ${tasks(count)} to ${host}` }).click();
    await this.tokenDialog(host)
      .getByRole("button", { name: "Use “changeme”, the local default" })
      .click();
  }

  /** Opens a task, by its key. */
  async openTask(key: string): Promise<void> {
    await this.task(key).getByRole("button").first().click();
  }

  /** Shows the exact text of the open task, which can be edited. */
  async openJson(): Promise<void> {
    await this.page.getByRole("tab", { name: "JSON" }).click();
    await this.press("Exact text");
    await expect(this.editor).toBeVisible();
  }

  /** Opens a task, by its key, and shows its exact text. */
  async openTaskAsJson(key: string): Promise<void> {
    await this.openTask(key);
    await this.openJson();
  }

  /** Closes the open task. */
  async closeTask(): Promise<void> {
    await this.press("Close task");
  }

  /** The tab of the open task with all attempts to deliver it. */
  async deliveryTab(): Promise<Locator> {
    await this.page.getByRole("tab", { name: /^Delivery/ }).click();
    return this.page.getByRole("tabpanel", { name: /^Delivery/ });
  }

  /** The texts of all tasks in the editor, in the order of the list. */
  async texts(): Promise<string[]> {
    const texts: string[] = [];
    for (const row of await this.tasks.all()) {
      await row.getByRole("button").first().click();
      await expect(row).toHaveAttribute("aria-current", "true");
      await this.openJson();
      texts.push(await this.editor.inputValue());
    }
    await this.closeTask();
    return texts;
  }

  /** Opens the list of runs. */
  async runs(): Promise<Locator> {
    await this.press("Runs");
    const dialog = this.dialog("Runs in this browser");
    await expect(dialog).toBeVisible();
    return dialog;
  }

  /** Closes the list of runs. */
  async closeRuns(): Promise<void> {
    await this.dialog("Runs in this browser").getByRole("button", { name: "Close" }).last().click();
  }

  /** Opens the settings. */
  async settings(): Promise<Locator> {
    await this.press("Settings");
    const dialog = this.dialog(/^Settings: /);
    await expect(dialog).toBeVisible();
    return dialog;
  }

  /** Closes the settings without saving what was changed. */
  async discardSettings(): Promise<void> {
    const dialog = this.dialog(/^Settings: /);
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.getByRole("button", { name: "Discard changes" }).click();
    await expect(dialog).toBeHidden();
  }

  /** Opens the list of connections. */
  async connections(): Promise<Locator> {
    await this.page.getByRole("button", { name: /^Connection: / }).click();
    const dialog = this.dialog("Connections");
    await expect(dialog).toBeVisible();
    return dialog;
  }

  /** Saves the settings. */
  async saveSettings(): Promise<void> {
    await this.dialog(/^Settings: /)
      .getByRole("button", { name: "Save settings" })
      .click();
  }
}

/** `1 task`, `3 tasks`. */
export function tasks(count: number, noun = "task"): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
