// Peers that a test starts and stops, and the module in Node.js.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { Program, required } from "../e2e/program.ts";

/** The token of the peers' task servers. */
export const TOKEN = "changeme";
/** How long a peer may take to start: LiteLLM imports for minutes on a busy machine. */
const START_MS = 280_000;

/** A file of this folder. */
function file(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Starts the task servers made with FastAPI. */
export function fastapi(): Promise<Program> {
  return Program.start(required("PEERS_PYTHON"), [file("fastapi_server.py")]);
}

/** Starts the task servers made with Express. */
export function express(): Promise<Program> {
  return Program.start(process.execPath, [file("express_server.cjs")], {
    NODE_PATH: required("PEERS_NODE"),
  });
}

/** The tasks that a task server of a peer has stored. */
export async function received(address: string): Promise<Record<string, unknown>[]> {
  return (await (await fetch(`${address}/received`)).json()) as Record<string, unknown>[];
}

/** A model endpoint in Python that prints no address: it is ready when a path answers. */
export class Endpoint {
  private constructor(
    private readonly child: ChildProcess,
    /** Its address. */
    readonly address: string,
  ) {}

  /** Starts a Python module with flags for a free port, and waits until `ready` answers. */
  static async start(module: string[], ready: string): Promise<Endpoint> {
    const port = await freePort();
    const flags = [...module, "--host", "127.0.0.1", "--port", String(port)];
    const child = spawn(required("PEERS_PYTHON"), flags, {
      env: { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: "True", PYTHONUNBUFFERED: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => (output = (output + chunk).slice(-4_000)));
    }
    const address = `http://127.0.0.1:${port}`;
    const end = Date.now() + START_MS;
    for (;;) {
      const answer = await fetch(address + ready).catch(() => undefined);
      if (answer?.ok) return new Endpoint(child, address);
      if (child.exitCode !== null || Date.now() > end) {
        child.kill("SIGKILL");
        throw new Error(`${module.join(" ")} did not start: ${output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Stops it. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** The module, loaded in Node.js. */
export async function taskwright(): Promise<any> {
  const folder = join(required("TASKWRIGHT_ROOT"), "pkg");
  const module = await import(pathToFileURL(join(folder, "taskwright.js")).href);
  await module.default({ module_or_path: await readFile(join(folder, "taskwright_bg.wasm")) });
  return module;
}

/** Reasons as `path: message`, in order. */
export function reasons(receipt: { reasons?: { instancePath: string; message: string }[] }): string[] {
  return (receipt.reasons ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`).sort();
}
