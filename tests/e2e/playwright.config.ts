// Configuration of the end-to-end tests. `cargo xtask test e2e` runs them; it builds what they need and
// sets these environment variables:
//   CHROMIUM_PATH           the browser
//   TASKWRIGHT_ROOT         the folder of the page: the checkout, or dist/
//   TASKWRIGHT_SERVER_BIN   the task server, with dist/ inside if the page is that folder
//   TASKWRIGHT_HAS_PIECES   set for the page of `cargo xtask dist`, whose module is cut into pieces
//   TASKWRIGHT_TESTBED_BIN  the scripted model endpoint and the plain task servers
//   TASKWRIGHT_FAILED_TESTS the file that lists the failed tests for the table at the end
// Each test starts the servers that it needs on free ports.
import { fileURLToPath } from "node:url";
import { defineConfig } from "@playwright/test";

// As a full path, because the configurations of other folders extend this one.
export const FAILED_TESTS = fileURLToPath(new URL("failed-tests.ts", import.meta.url));

export default defineConfig({
  testDir: ".",
  // These are about the page of `cargo xtask dist`; the module of a checkout is one file.
  testIgnore: process.env.TASKWRIGHT_HAS_PIECES ? [] : ["offline.spec.ts", "one-binary.spec.ts", "pieces.spec.ts"],
  outputDir: "./results",
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  // A test that passes only on a retry is not reliable.
  retries: 0,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"], [FAILED_TESTS]],
  use: {
    browserName: "chromium",
    headless: true,
    locale: "en-GB",
    timezoneId: "UTC",
    // A worker would serve files that a test holds back; offline.spec.ts allows it.
    serviceWorkers: "block",
    // `--trace on` records everything, but takes a third more time.
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH,
      // Without these flags the browser contacts its vendor at every start, which fails repeatedly on
      // a closed network.
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
