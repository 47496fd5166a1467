// Playwright settings of the delivery benchmark: those of the end-to-end tests, but with one worker
// and long timeouts. `cargo xtask bench delivery` runs it, passes the paths of its programs in
// environment variables, and the options of the measurement in TASKWRIGHT_BENCH.
import { defineConfig } from "@playwright/test";

import tests from "../../tests/e2e/playwright.config.ts";

export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: "*.bench.ts",
  outputDir: "../../target/bench/results",
  fullyParallel: false,
  workers: 1,
  timeout: 30 * 60_000,
  expect: { timeout: 120_000 },
});
