// The types of the package: what they need, what they hide, and whether objects are as they say.
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { expect, test } from "@playwright/test";

import { required } from "../e2e/program.ts";
import { DEFAULT_TOKEN, Testbed } from "../e2e/servers.ts";
import { consumerFolder, installedFolder } from "./install.ts";

const STRICT = ["--ignoreConfig", "--noEmit", "--pretty", "false", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--target", "es2022"];

/** The errors of the compiler for a file with this text, which imports the package by its name. */
async function compile(name: string, text: string, flags: string[]): Promise<string> {
  const folder = join(consumerFolder(), "types");
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name}.ts`);
  await writeFile(file, text);
  const compiler = join(required("TASKWRIGHT_ROOT"), "node_modules/typescript/bin/tsc");
  return new Promise((resolve) => {
    execFile(process.execPath, [compiler, ...STRICT, ...flags, file], { cwd: consumerFolder() }, (_, stdout) => resolve(stdout));
  });
}

const PLAIN = `
import init, { Validator, deliver, dryRun, mount, type Brief } from "taskwright";
const brief: Brief = { goal: "Paint the fence" };
await init();
await init({ module_or_path: new Uint8Array(8) });
// @ts-expect-error: a source is no number
await init({ module_or_path: 7 });
const validator = await Validator.compile(true);
validator.free();
await deliver(await dryRun(brief), { url: "http://localhost", agentToken: "token" });
// @ts-expect-error: there are no elements without the types of the DOM
mount({});
export {};
`;

const DOM = `
import init, { generate, mount } from "taskwright";
await init({ module_or_path: fetch("taskwright_bg.wasm") });
await init({ module_or_path: new URL("https://example.com/taskwright_bg.wasm") });
mount(document.createElement("div")).unmount();
// @ts-expect-error: a document is no element
mount(document);
await generate({ goal: "g" }, { baseUrl: "http://localhost", model: "m" }, { signal: new AbortController().signal });
// @ts-expect-error: a controller is no signal
await generate({ goal: "g" }, { baseUrl: "http://localhost", model: "m" }, { signal: new AbortController() });
export {};
`;

const DISPOSABLE = `
import { TaskStream, Validator, type AppHandle } from "taskwright";
using validator = await Validator.compile(true);
using stream = await TaskStream.open({ schema: {}, api: "responses" });
export const all = (handle: AppHandle): Disposable[] => [validator, stream, handle];
`;

test.describe("a strict consumer compiles", () => {
  for (const [name, text, flags] of [
    ["plain", PLAIN, ["--module", "nodenext", "--lib", "es2022"]],
    ["dom", DOM, ["--module", "nodenext", "--lib", "es2022,dom"]],
    ["bundled", DOM, ["--module", "preserve", "--moduleResolution", "bundler", "--lib", "es2022,dom"]],
    ["disposable", DISPOSABLE, ["--module", "nodenext", "--lib", "es2022,esnext.disposable"]],
  ] as [string, string, string[]][]) {
    test(`${name}: ${flags.join(" ")}`, async () => {
      expect(await compile(name, text, flags)).toBe("");
    });
  }
});

test("the types name nothing internal", async () => {
  const types = await readFile(join(installedFolder(), "taskwright.d.ts"), "utf8");
  const internal = /__wb\w+|IntoUnderlying\w*|ReadableStreamType|InitOutput|initSync/g;
  expect(types.match(internal)).toBeNull();
  const hidden = "import type { Global, OutcomeOf, ReceiptOf, WithDispose } from 'taskwright'; export type { Global, OutcomeOf, ReceiptOf, WithDispose };";
  const errors = await compile("hidden", hidden, ["--module", "nodenext", "--lib", "es2022"]);
  expect(errors.match(/has no exported member/g) ?? [], errors).toHaveLength(4);
});

test("the types declare exactly the exports of the package", async () => {
  const module = await import(pathToFileURL(join(installedFolder(), "node.js")).href);
  const types = await readFile(join(installedFolder(), "taskwright.d.ts"), "utf8");
  const declared = Array.from(types.matchAll(/^export (?:default )?(?:function|class) (\w+)/gm), ([, name]) => (name === "init" ? "default" : name));
  expect(Object.keys(module).sort()).toEqual(declared.sort());
});

/** What a literal of each type is made of: objects as the module returned them. */
async function returned(testbed: Testbed): Promise<Record<string, unknown[]>> {
  const module = await import(pathToFileURL(join(installedFolder(), "node.js")).href);
  await module.default();
  const brief = { goal: "Paint the fence", count: 2 };
  const events: unknown[] = [];
  const generations = [];
  for (const script of ["plain", "invalid-tasks", "cut-off", "refused", "filtered", "interrupted", "http-401", "http-429", "no-json-schema", "reasoning"]) {
    const endpoint = { baseUrl: testbed.model(script, `types-${script}`), model: "scripted" };
    generations.push(await module.generate(brief, endpoint, { onEvent: (event: unknown) => events.push(event) }));
  }
  const receipts = [];
  for (const variant of ["ok200", "created201", "empty204", "unauthorized", "status_422", "refusal_problem", "status_400", "drop", "html", "redirect307"]) {
    const server = { url: testbed.plain(variant, "types"), agentToken: DEFAULT_TOKEN };
    receipts.push(...(await module.deliver(['{"key":"a"}', '{"key":"a"}', '{"key":"b","depends_on":"a"}'], server)));
  }
  const schema = module.defaultSchema();
  receipts.push(...(await module.deliver(['{"key":"a"}'], { url: testbed.plain("ok200", "types"), agentToken: DEFAULT_TOKEN }, { schema })));
  const validator = await module.Validator.compile(schema);
  const request = module.buildRequest(brief, { baseUrl: testbed.model("plain", "types"), model: "scripted" });
  return {
    StreamEvent: events,
    Generation: generations,
    Outcome: generations.map(({ outcome }: any) => outcome),
    Receipt: receipts,
    Violation: validator.validateText('{"key":"A","key":"b","priority":"later","labels":7}'),
    Finding: module.lintBatch(['{"key":"a"}', '{"key":"a","depends_on":"b"}'], { expectedCount: 3 }),
    Relaxation: module.modelSchema(schema).relaxed,
    ModelRequest: [request],
    JsonSchema: [schema],
    TaskText: await module.dryRun(brief),
  };
}

test("what the module returns has the types that it declares", async () => {
  const testbed = await Testbed.start();
  try {
    const values = await returned(testbed);
    const names = Object.keys(values);
    const seen = (type: string, member: string) => new Set(values[type]!.map((value: any) => value[member]));
    expect([...seen("Outcome", "outcome")].sort()).toEqual(["complete", "cut_off", "failed", "filtered", "interrupted", "refused"]);
    expect([...seen("Receipt", "outcome")].sort()).toEqual(["delivered", "not_sent", "refused", "unauthorized", "unconfirmed"]);
    expect([...seen("StreamEvent", "type")].sort()).toEqual(["task", "text", "usage", "warning"]);
    // A literal with an unknown member, or without a required one, does not compile.
    const literals = names.map((name) => {
      expect(values[name]!.length, name).toBeGreaterThan(0);
      const unique = new Set(values[name]!.map((value) => JSON.stringify(value)));
      return `export const all${name}: ${name}[] = [${[...unique].join(",\n")}];`;
    });
    const text = `import type { ${names.join(", ")} } from "taskwright";\n${literals.join("\n")}`;
    expect(await compile("returned", text, ["--module", "nodenext", "--lib", "es2022"])).toBe("");
    const wrong = text.replace('"outcome":"delivered"', '"outcome":"delivered","surprise":1');
    expect(await compile("wrong", wrong, ["--module", "nodenext", "--lib", "es2022"])).toContain("surprise");
  } finally {
    await testbed.stop();
  }
});
