// Runs the command of the installed package.
import { spawn } from "node:child_process";
import { join } from "node:path";

import { consumerFolder } from "./install.ts";

/** How the command ended. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** What to do with the running command. */
export interface Handling {
  /** Its whole environment, beside `PATH`. */
  environment?: Record<string, string>;
  input?: string;
  /** Called with the standard error output so far, whenever there is more. */
  onProgress?: (child: ReturnType<typeof spawn>) => void;
  /** Whether the reader of its output goes away after the first part. */
  closesOutput?: boolean;
}

/** Starts the command as `npx taskwright` does, and waits until it has ended. */
export async function taskwright(flags: string[], handling: Handling = {}): Promise<Ended> {
  const program = join(consumerFolder(), "node_modules/.bin/taskwright");
  const child = spawn(program, flags, {
    cwd: consumerFolder(),
    env: { PATH: process.env.PATH, ...handling.environment },
    shell: process.platform === "win32",
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (part) => {
    stdout += part;
    if (handling.closesOutput) child.stdout.destroy();
  });
  child.stderr.on("data", (part) => (stderr += part));
  child.stdin.on("error", () => {});
  child.stdin.end(handling.input ?? "");
  handling.onProgress?.(child);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, stdout, stderr };
}

/** The values of JSON Lines. */
export function lines(text: string): any[] {
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}
