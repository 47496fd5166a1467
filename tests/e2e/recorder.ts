// Every request of a page, seen from three sides, so that none escapes: Playwright's own events,
// the browser's network events, and a gate that lets nothing through.
import type { CDPSession, Page } from "@playwright/test";

/** What was asked of the network from the moment of `start`. */
export class Recorder {
  private readonly seen: string[] = [];

  private constructor(
    private readonly page: Page,
    private readonly network: CDPSession,
  ) {}

  /**
   * Records from now on. With `gate: "shut"` every request fails besides, so that nothing that
   * succeeds afterwards can have needed one.
   */
  static async start(page: Page, { gate }: { gate: "open" | "shut" }): Promise<Recorder> {
    const network = await page.context().newCDPSession(page);
    const recorder = new Recorder(page, network);
    const note = (how: string, url: string) => recorder.seen.push(`${how}: ${url}`);
    page.context().on("request", (request) => note(request.method(), request.url()));
    page.on("websocket", (socket) => note("WebSocket", socket.url()));
    network.on("Network.requestWillBeSent", ({ request }) => note("browser", request.url));
    network.on("Network.webSocketCreated", ({ url }) => note("browser", url));
    network.on("Network.webTransportCreated", ({ url }) => note("browser", url));
    await network.send("Network.enable");
    if (gate === "shut") {
      await page.route("**/*", (route) => {
        note("gate", route.request().url());
        return route.abort();
      });
    }
    return recorder;
  }

  /** What was seen so far, once the browser has told all of it. */
  async requests(): Promise<string[]> {
    // Events come in order: when this answer is here, so are those of all requests before it.
    await this.network.send("Network.enable");
    await this.page.evaluate(() => undefined);
    return [...this.seen];
  }
}
