// A reporter that prints how many tests passed, and fails the run if any was skipped or none ran.
import type { FullResult, Reporter, TestCase, TestResult } from "@playwright/test/reporter";

export default class NoSkips implements Reporter {
  private readonly last = new Map<string, TestResult["status"]>();

  onTestEnd(test: TestCase, result: TestResult): void {
    this.last.set(test.id, result.status);
  }

  onEnd(result: FullResult): { status: FullResult["status"] } {
    const all = [...this.last.values()];
    const count = (status: TestResult["status"]) => all.filter((ended) => ended === status).length;
    const passed = count("passed");
    const skipped = count("skipped");
    console.log(`peers: ${passed} passed, ${all.length - passed - skipped} failed, ${skipped} skipped`);
    const isComplete = passed > 0 && passed === all.length;
    return { status: result.status === "passed" && !isComplete ? "failed" : result.status };
  }
}
