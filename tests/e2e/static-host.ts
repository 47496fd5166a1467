// A plain static web server, with the page below a path.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
};

/** The path of the page, without a slash at its end. */
export const PATH = "/apps/taskwright";

/** A web server that serves a folder below {@link PATH}. */
export class StaticHost {
  /** The paths of all requests, in order. */
  readonly requests: string[] = [];
  readonly server: Server;
  private port = 0;

  private constructor(
    /** The folder. It may change while the server runs. */
    public folder: string,
    /** The files that do not exist, by their path in the folder. */
    public missing?: RegExp,
  ) {
    this.server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? "/", "http://localhost");
      this.requests.push(pathname);
      const rest = pathname.startsWith(`${PATH}/`) ? pathname.slice(PATH.length) : "";
      const file = join(this.folder, normalize(rest.endsWith("/") ? `${rest}index.html` : rest));
      stat(file)
        .then((found) => {
          if (rest === "" || this.missing?.test(rest) || !found.isFile()) throw new Error("not here");
          response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "text/plain" });
          createReadStream(file).pipe(response);
        })
        .catch(() => response.writeHead(404, { "content-type": "text/plain" }).end("Not found"));
    });
    // On a loaded machine, a connection that Node closes after 5 idle seconds may reset a request.
    this.server.keepAliveTimeout = 0;
  }

  /** Serves a folder on a free port. */
  static async start(folder: string, missing?: RegExp): Promise<StaticHost> {
    const host = new StaticHost(folder, missing);
    await host.resume();
    return host;
  }

  /** The address of the page. */
  get address(): string {
    return `http://127.0.0.1:${this.port}${PATH}/`;
  }

  /** Listens again, at the same address. */
  async resume(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.port, "127.0.0.1", resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Ends all connections and refuses new ones. */
  async stop(): Promise<void> {
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}
