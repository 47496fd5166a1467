// How the benchmarks of delivery start their browser: the same as the end-to-end tests, but one at a
// time, and with all the time that they need. They are run by `cargo xtask bench delivery`, which
// says in the environment where things are, and in TASKWRIGHT_BENCH what to measure.
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
