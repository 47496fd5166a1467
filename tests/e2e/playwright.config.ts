// How the end-to-end tests start their browser. They are run by `cargo xtask test e2e`, which
// builds what they need and says in the environment where it is:
//   CHROMIUM_PATH           the browser
//   TASKWRIGHT_ROOT         the checkout: index.html, static/, pkg/
//   TASKWRIGHT_SERVER_BIN   the task server
//   TASKWRIGHT_TESTBED_BIN  the model endpoint and the plain task server for tests
// Each specification starts the servers that it needs, on ports of their own.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  outputDir: "./results",
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  // A test that passes only when it is tried again is not one to rely on.
  retries: 0,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    headless: true,
    locale: "en-GB",
    timezoneId: "UTC",
    // A failure leaves a picture and a description of the page; `--trace on` records all of it, at
    // a third more time.
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH,
      // Without these a browser calls its maker at every start, which a closed network answers
      // with one refusal after the other.
      args: [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
