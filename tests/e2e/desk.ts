// What a person does at the page: every control is found by its role and name, never by markup.
import { expect, type Locator, type Page } from "@playwright/test";

/** What is written in the brief. */
export interface Brief {
  goal?: string;
  context?: string;
  rules?: string;
  count?: string;
}

/** A person at the page. */
export class Desk {
  constructor(readonly page: Page) {}

  /** Opens the page of a server and waits until it says its mode. */
  async open(address: string, says: RegExp | string = /^Live → /): Promise<void> {
    await this.page.goto(address);
    await expect(this.modeBand).toHaveText(says);
  }

  /** The band that says the mode. */
  get modeBand(): Locator {
    return this.page.getByRole("status").filter({ hasText: /^(Dry run —|Live →|Starting|Not running)/ });
  }

  /** The list of tasks, its entries in their order. */
  get tasks(): Locator {
    return this.page.getByRole("list", { name: "Tasks", exact: true }).getByRole("listitem");
  }

  /** One task of the list, by its key. */
  task(key: string): Locator {
    return this.tasks.filter({ has: this.page.getByText(key, { exact: true }) });
  }

  /** The open task. */
  get editor(): Locator {
    return this.page.getByRole("textbox", { name: "The task as JSON" });
  }

  /** The foot with what can be posted, or how far posting is. */
  get foot(): Locator {
    return this.page.getByRole("contentinfo", { name: "Post" });
  }

  /** A dialog, by its title. */
  dialog(title: string | RegExp): Locator {
    return this.page.getByRole("dialog", { name: title });
  }

  /** A button, by its whole name. */
  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", typeof name === "string" ? { name, exact: true } : { name });
  }

  /** Presses a button. */
  async press(name: string | RegExp): Promise<void> {
    await this.button(name).click();
  }

  /** A heading: of a banner, a problem, a pane. */
  heading(name: string | RegExp): Locator {
    return this.page.getByRole("heading", { name });
  }

  /** A field, by its label. */
  field(name: string | RegExp): Locator {
    return this.page.getByRole("textbox", { name });
  }

  /** Writes in the brief's fields; those that are not named stay as they are. */
  async write(brief: Brief): Promise<void> {
    if (brief.goal !== undefined) await this.field("Goal").fill(brief.goal);
    if (brief.context !== undefined) await this.field(/^Context/).fill(brief.context);
    if (brief.rules !== undefined) await this.field(/^Extra rules/).fill(brief.rules);
    if (brief.count !== undefined) await this.field("How many tasks").fill(brief.count);
  }

  /** What stands in the brief's fields. */
  async expectBrief(brief: Brief): Promise<void> {
    if (brief.goal !== undefined) await expect(this.field("Goal")).toHaveValue(brief.goal);
    if (brief.context !== undefined) await expect(this.field(/^Context/)).toHaveValue(brief.context);
    if (brief.rules !== undefined) await expect(this.field(/^Extra rules/)).toHaveValue(brief.rules);
    if (brief.count !== undefined) await expect(this.field("How many tasks")).toHaveValue(brief.count);
  }

  /** Asks for tasks. */
  async generate(): Promise<void> {
    await this.press(/^Generate (tasks|\d+ tasks?)$/);
  }

  /** Writes a brief, asks for its tasks and waits until they are all there and valid. */
  async makeTasks(count: number, goal = "Tidy the archive"): Promise<void> {
    await this.write({ goal, count: String(count) });
    await this.generate();
    await expect(this.heading(/^Complete: /)).toHaveText(`Complete: ${tasks(count)}, all valid`);
    await expect(this.tasks).toHaveCount(count);
  }

  /** Approves every valid task, of which there are so many. */
  async approveAll(count: number): Promise<void> {
    await this.press(`Approve ${tasks(count, "valid task")}`);
  }

  /** Presses *Post* in the foot and confirms; `host` is the task server's. */
  async post(count: number, host: string): Promise<void> {
    await this.foot.getByRole("button", { name: `Post ${tasks(count)} to ${host}` }).click();
    await this.dialog(`Post ${tasks(count)}?`)
      .getByRole("button", { name: `Post ${tasks(count)} to ${host}` })
      .click();
  }

  /** Answers the question for a token. */
  async giveToken(host: string, token: string): Promise<void> {
    const question = this.dialog(`Token for ${host}`);
    await question.getByRole("textbox", { name: "Agent token" }).fill(token);
    await question.getByRole("button", { name: "Use the token", exact: true }).click();
  }

  /** Posts with the token that a local server has by default. */
  async postWithDefaultToken(count: number, host: string): Promise<void> {
    await this.post(count, host);
    await this.dialog(`Token for ${host}`)
      .getByRole("button", { name: "Use “changeme”, the local default" })
      .click();
  }

  /** Opens a task, by its key. */
  async openTask(key: string): Promise<void> {
    await this.task(key).getByRole("button").first().click();
  }

  /** Closes the open task. */
  async closeTask(): Promise<void> {
    await this.press("Close the task");
  }

  /** The tab of the open task with every attempt to deliver it. */
  async deliveryTab(): Promise<Locator> {
    await this.page.getByRole("tab", { name: /^Delivery/ }).click();
    return this.page.getByRole("tabpanel", { name: /^Delivery/ });
  }

  /** The texts of all tasks as the editor shows them, in the order of the list. */
  async texts(): Promise<string[]> {
    const texts: string[] = [];
    for (const row of await this.tasks.all()) {
      await row.getByRole("button").first().click();
      await expect(row).toHaveAttribute("aria-current", "true");
      texts.push(await this.editor.inputValue());
    }
    await this.closeTask();
    return texts;
  }

  /** Opens the settings. */
  async settings(): Promise<Locator> {
    await this.press("Settings");
    const dialog = this.dialog(/^Settings of /);
    await expect(dialog).toBeVisible();
    return dialog;
  }

  /** Saves the settings. */
  async saveSettings(): Promise<void> {
    await this.dialog(/^Settings of /)
      .getByRole("button", { name: "Save the settings" })
      .click();
  }
}

/** `1 task`, `3 tasks`. */
export function tasks(count: number, noun = "task"): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
