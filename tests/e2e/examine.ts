// Checks the current state of the page for accessibility.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { expect, test } from "./world.ts";

/** Examines the current state of the page: no axe violations, no horizontal scrolling. Keeps a screenshot. */
export async function examine(page: Page, state: string): Promise<void> {
  await page.screenshot({ path: test.info().outputPath(`${state}.png`) });
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  const findings = violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(" ")} (${node.failureSummary ?? ""})`),
  );
  expect.soft(findings, state).toEqual([]);
  const overhang = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect.soft(overhang, `pixels beyond the right edge, ${state}`).toBe(0);
}
