// What the command prints: results on standard output, everything else on standard error.

/** Control characters, and those that change the direction of text: a terminal must not obey them. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function visible(text) {
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function visibleLines(text) {
  return text.split(/\r?\n/).map(visible).join("\n");
}

/** The text of a JSON value in one line. Line breaks in it are white space: in a string they are escaped. */
function inOneLine(json) {
  return json.replace(/[\r\n]+/g, " ");
}

/** A name for people: the title of a task, or the beginning of its text. */
function titleOf(text) {
  const task = JSON.parse(text) ?? {};
  const title = [task.title, task.name, task.key, text].find((value) => typeof value === "string");
  return visible(title.length > 100 ? `${title.slice(0, 99)}…` : title);
}

export class Report {
  constructor(output, messages) {
    this.output = output;
    this.messages = messages;
  }

  /** A task of a dry run. */
  task(index, text) {
    this.#result(this.output.isTTY ? `Task ${index + 1}: ${titleOf(text)}\n${visibleLines(text)}` : inOneLine(text));
  }

  /** What became of a task. `text` is omitted for a task that must not be shown. */
  receipt(receipt, text) {
    if (!this.output.isTTY) {
      const members = JSON.stringify(receipt);
      this.#result(text === undefined ? members : `${members.slice(0, -1)},"task":${inOneLine(text)}}`);
      return;
    }
    const name = text === undefined ? "(not shown)" : titleOf(text);
    const lines = [`Task ${receipt.index + 1}: ${name}: ${receipt.outcome}`];
    if (receipt.outcome !== "delivered") lines.push(`  ${visible(receipt.message)} ${visible(receipt.hint)}`);
    for (const { instancePath, message } of receipt.reasons ?? []) lines.push(`  ${visible(`${instancePath} ${message}`)}`);
    this.#result(lines.join("\n"));
  }

  /** What is going on, for somebody who is watching. */
  progress(text) {
    if (this.messages.isTTY) this.note(text);
  }

  /** A task that has arrived, for somebody who is watching. */
  arrived(index, text, violations) {
    const state = violations.length > 0 ? ": invalid" : "";
    const problems = violations.map(({ instancePath, message }) => `\n  ${instancePath} ${message}`);
    this.progress(`Task ${index + 1}: ${titleOf(text)}${state}${problems.join("")}\n${text}`);
  }

  /** Something that one should know. */
  note(text) {
    this.messages.write(`taskwright: ${visibleLines(text)}\n`);
  }

  /** What went wrong, and what to do about it. */
  error({ code, message, hint }) {
    this.note([`${code ?? "unexpected_error"}: ${message}`, hint].filter(Boolean).join("\n  "));
  }

  #result(text) {
    if (!this.output.destroyed) this.output.write(`${text}\n`);
  }
}
