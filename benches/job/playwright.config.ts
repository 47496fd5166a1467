// Playwright settings of the bench of the main job: those of the delivery benchmark.
import delivery from "../delivery/playwright.config.ts";

export default { ...delivery, testDir: "." };
