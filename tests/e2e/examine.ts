// Checks the current state of the page for accessibility.
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { expect, test } from "./world.ts";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * Examines the current state of the page in both colour schemes: no axe violations, no horizontal scrolling.
 * Keeps a screenshot of each.
 */
export async function examine(page: Page, state: string): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: test.info().outputPath(`${state}-${colorScheme}.png`) });
    // The schemes differ in nothing but colours.
    // No page has frames, so the results need not be combined in a page of their own.
    const axe = new AxeBuilder({ page }).setLegacyMode();
    const rules = colorScheme === "light" ? axe.withTags(TAGS) : axe.withRules(["color-contrast"]);
    const { violations } = await rules.analyze();
    const findings = violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target.join(" ")} (${node.failureSummary ?? ""})`),
    );
    expect.soft(findings, `${state}, ${colorScheme}`).toEqual([]);
  }
  const overhang = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect.soft(overhang, `pixels beyond the right edge, ${state}`).toBe(0);
}
