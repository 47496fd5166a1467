// A server program that a test starts and stops.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** The value of an environment variable set by `cargo xtask test e2e`. */
export function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. Run the tests with: cargo xtask test e2e`);
  return value;
}

/** A running server program. */
export class Program {
  private constructor(
    private readonly child: ChildProcess,
    /** Its address, such as `http://127.0.0.1:4321`. */
    readonly address: string,
  ) {}

  /**
   * Starts a program whose first line of output contains its address. Fails with its standard error
   * output if it exits before that. It runs in `folder`, or else in that of the tests.
   */
  static async start(
    path: string,
    flags: string[],
    environment: Record<string, string> = {},
    folder?: string,
  ): Promise<Program> {
    const { AGENT_API_TOKEN: _from_the_environment, ...inherited } = process.env;
    const child = spawn(path, flags, {
      env: { ...inherited, ...environment },
      ...(folder ? { cwd: folder } : {}),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (chunk) => (errors += chunk));
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([
      once(lines, "line"),
      once(child, "exit").then(([code]) => {
        throw new Error(`${path} exited with ${code} before it listened: ${errors}`);
      }),
    ]);
    const address = /listening on (https?:\/\/[^\s,]+)/.exec(String(line))?.[1];
    if (!address) throw new Error(`${path} did not print its address: ${line}`);
    return new Program(child, address);
  }

  /** Kills it, as a crash would. What it has acknowledged must survive. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }
}
