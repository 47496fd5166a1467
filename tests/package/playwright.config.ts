// Configuration of the tests of the npm package: packed, installed into an empty folder, and used as its
// users do. `cargo xtask test package` builds what they need and sets the environment variables of the
// end-to-end tests.
import base from "../e2e/playwright.config.ts";

export default {
  ...base,
  testDir: ".",
  testIgnore: [],
  outputDir: "../e2e/results/package",
  globalSetup: "./install.ts",
};
