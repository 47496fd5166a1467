// The question before tasks are posted.
import { createInterface } from "node:readline/promises";

/** Asks a question on the terminal and returns whether the answer is yes; `undefined` without a terminal. */
export function confirmOnTerminal(input, output) {
  if (!input.isTTY || !output.isTTY) return undefined;
  return async (question, signal) => {
    const terminal = createInterface({ input, output });
    // While the line is read, Ctrl+C is a key, not a signal.
    terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
    const closed = new Promise((resolve) => terminal.once("close", () => resolve("")));
    const answered = terminal.question(`${question} [y/N] `, { signal }).catch(() => "");
    const answer = await Promise.race([answered, closed]);
    terminal.close();
    return /^\s*y(es)?\s*$/i.test(answer);
  };
}
