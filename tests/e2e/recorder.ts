// Records every request of a page in three ways, so that none is missed: Playwright's events, the
// browser's network events, and a gate that blocks all requests.
import type { CDPSession, Page } from "@playwright/test";

/** The network requests since `start`. */
export class Recorder {
  private readonly seen: string[] = [];

  private constructor(
    private readonly page: Page,
    private readonly network: CDPSession,
  ) {}

  /**
   * Starts recording. With `gate: "shut"` every request also fails, so that nothing that succeeds
   * afterwards can depend on one.
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

  /** The requests so far, including all events that the browser still has to report. */
  async requests(): Promise<string[]> {
    // Events arrive in order: this response comes after the events of all earlier requests.
    await this.network.send("Network.enable");
    await this.page.evaluate(() => undefined);
    return [...this.seen];
  }
}
