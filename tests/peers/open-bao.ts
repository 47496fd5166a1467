// A real OpenBao with its store in memory, which a test starts, fills and stops.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

import { required } from "../e2e/program.ts";
import { freePort } from "./peer.ts";

const ROOT = "root";

/** OpenBao. It has KV version 2 at `secret/`. */
export class OpenBao {
  private constructor(
    private readonly child: ChildProcess,
    /** Its address. */
    readonly address: string,
  ) {}

  /** Starts it, and waits until it is unsealed. */
  static async start(): Promise<OpenBao> {
    const port = await freePort();
    const flags = ["server", "-dev", "-dev-no-store-token", `-dev-root-token-id=${ROOT}`];
    const child = spawn(required("PEERS_BAO"), [...flags, `-dev-listen-address=127.0.0.1:${port}`], {
      stdio: "ignore",
    });
    const bao = new OpenBao(child, `http://127.0.0.1:${port}`);
    const end = Date.now() + 60_000;
    for (;;) {
      const mount = await bao.send("GET", "secret/config").catch(() => undefined);
      if (mount?.ok) return bao;
      if (child.exitCode !== null || Date.now() > end) {
        child.kill("SIGKILL");
        throw new Error("OpenBao did not start");
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Host and port, as the page shows them. */
  get host(): string {
    return new URL(this.address).host;
  }

  /** Allows pages of this origin to call it. */
  async allow(origin: string): Promise<void> {
    await this.call("POST", "sys/config/cors", { allowed_origins: [origin] });
  }

  /** Sends a request with the root token, and returns the body of its response. */
  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<any> {
    const response = await this.send(method, path, body, headers);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} returned ${response.status}: ${text}`);
    return text === "" ? {} : JSON.parse(text);
  }

  /** A token that may read everything in `secret/` and lives this long. */
  async token(ttl: string): Promise<string> {
    await this.policy();
    const made = await this.call("POST", "auth/token/create", { policies: ["reader"], ttl });
    return made.auth.client_token;
  }

  /** A wrapping token around such a token. */
  async wrappedToken(): Promise<string> {
    await this.policy();
    const body = { policies: ["reader"], ttl: "1h" };
    const made = await this.call("POST", "auth/token/create", body, { "X-Vault-Wrap-TTL": "60" });
    return made.wrap_info.token;
  }

  /** Adds a user who may read everything in `secret/`. */
  async user(name: string, password: string): Promise<void> {
    await this.policy();
    await this.call("POST", "sys/auth/userpass", { type: "userpass" });
    await this.call("POST", `auth/userpass/users/${name}`, { password, policies: "reader", ttl: "1h" });
  }

  /** Stops it. Its secrets are gone. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }

  private async policy(): Promise<void> {
    const policy = 'path "secret/*" { capabilities = ["read"] }';
    await this.call("POST", "sys/policies/acl/reader", { policy });
  }

  private send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return fetch(`${this.address}/v1/${path}`, {
      method,
      headers: { "X-Vault-Token": ROOT, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}
