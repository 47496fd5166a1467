#!/usr/bin/env node
// The command `taskwright`: proposes tasks, checks them, and posts the valid ones.
import { confirmOnTerminal } from "./cli/confirm.js";
import { HELP, isUsageError, readOptions } from "./cli/options.js";
import { Report } from "./cli/report.js";
import { run } from "./cli/run.js";
import init, { version } from "./node.js";

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
/** What a shell reports for a program that writes into a closed pipe. */
const CLOSED_PIPE = 141;

const stop = new AbortController();
const report = new Report(process.stdout, process.stderr);

for (const [signal, code] of Object.entries(SIGNALS)) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(code);
    stopWith(code);
    report.note("Stopping. Requests in flight are awaited; Ctrl+C again ends at once.");
  });
}

process.stdout.on("error", (error) => {
  if (error.code === "EPIPE") return stopWith(CLOSED_PIPE);
  report.error({ code: "output_failed", message: error.message, hint: "Nothing more was posted." });
  stopWith(1);
});
// Nobody reads the messages any longer; the tasks matter.
process.stderr.on("error", () => {});

function stopWith(code) {
  process.exitCode = code;
  stop.abort();
}

async function main() {
  const options = await readOptions(process.argv.slice(2), process.env);
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  await init();
  if (options.version) {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  return run(options, report, confirmOnTerminal(process.stdin, process.stderr), stop.signal);
}

const code = await main().catch((error) => {
  report.error(error);
  return isUsageError(error) ? 2 : 1;
});
process.exitCode ??= code;
