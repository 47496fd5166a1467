// Configuration of the tests against peers: task server frameworks and model endpoints as operators
// have them. `cargo xtask test --peers` installs them in the user's cache folder, runs the tests, and
// sets these environment variables beside those of the end-to-end tests:
//   PEERS_PYTHON   the Python that has the packages of requirements.txt
//   PEERS_NODE     the folder `node_modules` with the packages of package.json
//   PEERS_BAO      the server of OpenBao
//   PEERS_MODEL    the tiny model for llama.cpp
import base, { FAILED_TESTS } from "../e2e/playwright.config.ts";

export default {
  ...base,
  testDir: ".",
  outputDir: "../e2e/results/peers",
  workers: 1,
  timeout: 180_000,
  // A skipped test is a failure.
  reporter: [["list"], [FAILED_TESTS], ["./no-skips.ts"]],
};
