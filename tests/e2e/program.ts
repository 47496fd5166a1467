// A server program that a test starts, waits for and stops.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** The value of an environment variable that `cargo xtask test e2e` sets. */
export function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. Run the tests by: cargo xtask test e2e`);
  return value;
}

/** A running program that listens. */
export class Program {
  private constructor(
    private readonly child: ChildProcess,
    /** Where it listens, such as `http://127.0.0.1:4321`. */
    readonly address: string,
  ) {}

  /**
   * Starts a program whose first line of output says where it listens.
   * Fails with what it wrote on standard error where it ends before.
   */
  static async start(
    path: string,
    flags: string[],
    environment: Record<string, string> = {},
  ): Promise<Program> {
    const { AGENT_API_TOKEN: _of_whoever_runs_the_tests, ...inherited } = process.env;
    const child = spawn(path, flags, {
      env: { ...inherited, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let complaints = "";
    child.stderr.on("data", (chunk) => (complaints += chunk));
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([
      once(lines, "line"),
      once(child, "exit").then(([code]) => {
        throw new Error(`${path} ended with ${code} before it listened: ${complaints}`);
      }),
    ]);
    const address = /listening on (https?:\/\/[^\s,]+)/.exec(String(line))?.[1];
    if (!address) throw new Error(`${path} did not say where it listens: ${line}`);
    return new Program(child, address);
  }

  /** Ends it at once, as a crash would: what it has acknowledged has to survive that. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }
}
