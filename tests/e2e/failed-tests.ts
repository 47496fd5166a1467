// A reporter that writes the failed tests to the file named by TASKWRIGHT_FAILED_TESTS, one per line with
// the first line of its error. The table at the end of `cargo xtask test` shows them: thousands of lines
// can lie between a test's own output and that table.
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Reporter, TestCase, TestResult } from "@playwright/test/reporter";

// The escape sequences that color a terminal.
const COLORS = /\u001b\[[0-9;]*m/g;

export default class FailedTests implements Reporter {
  private readonly failed: string[] = [];

  onTestEnd(test: TestCase, result: TestResult): void {
    if (test.outcome() !== "unexpected") {
      return;
    }
    const place = `${path.basename(test.location.file)}:${test.location.line}`;
    const reason = result.error?.message?.replace(COLORS, "").split("\n")[0] ?? result.status;
    this.failed.push(`${place} ${test.title}: ${reason}`);
  }

  onEnd(): void {
    const file = process.env.TASKWRIGHT_FAILED_TESTS;
    if (file) {
      writeFileSync(file, this.failed.map((line) => `${line}\n`).join(""));
    }
  }
}
