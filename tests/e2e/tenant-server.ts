// A task server that was not written for the page: it wants an envelope, a tenant header, a query, a
// bearer token and a signature, and its CORS rule names exactly those headers.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that the server stored. */
export interface StoredRequest {
  url: string;
  headers: NodeJS.Dict<string | string[]>;
  body: { type?: string; payload?: unknown };
}

/** What the server wants beside the token. */
export const SIGNATURE = "s1gn4ture-of-the-operator";
/** The token that it accepts. */
export const TOKEN = "t0ken-of-the-tenant";

const ALLOWED_HEADERS = "content-type, authorization, x-tenant, x-signature";

/** The server. */
export class TenantServer {
  /** The requests that it stored, in order. */
  readonly stored: StoredRequest[] = [];

  private constructor(private readonly server: Server) {}

  /** Starts the server at a free port of this machine. */
  static async start(): Promise<TenantServer> {
    const server = createServer();
    const tenant = new TenantServer(server);
    server.on("request", (request, response) => void tenant.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return tenant;
  }

  /** Its address. */
  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Its host and port. */
  get host(): string {
    return new URL(this.address).host;
  }

  /** Stops the server. */
  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("access-control-allow-origin", request.headers.origin ?? "*");
    if (request.method === "OPTIONS") {
      response.setHeader("access-control-allow-methods", "POST");
      response.setHeader("access-control-allow-headers", ALLOWED_HEADERS);
      return void response.writeHead(204).end();
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const refuse = (status: number, message: string) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ message }));
    const url = new URL(request.url ?? "", this.address);
    const { headers } = request;
    if (headers.authorization !== `Bearer ${TOKEN}`) return void refuse(401, "unknown token");
    if (url.pathname !== "/repository" || url.searchParams.get("queue") !== "blue") {
      return void refuse(404, "no such queue");
    }
    if (headers["x-tenant"] !== "north") return void refuse(400, "missing X-TENANT");
    if (headers["x-signature"] !== SIGNATURE) return void refuse(400, "missing X-Signature");
    const body = JSON.parse(Buffer.concat(chunks).toString()) as StoredRequest["body"];
    if (body.type !== "work" || typeof body.payload !== "object") return void refuse(422, "no payload");
    this.stored.push({ url: request.url ?? "", headers, body });
    response
      .writeHead(201, { "content-type": "application/json" })
      .end(JSON.stringify({ data: { uuid: `t-${this.stored.length}` } }));
  }
}
