// What the package holds, and how it loads.
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, test } from "@playwright/test";

import { required } from "../e2e/program.ts";
import { Testbed } from "../e2e/servers.ts";
import { lines } from "./command.ts";
import { consumerFolder, installedFolder, packedFile } from "./install.ts";

const run = promisify(execFile);

/** Runs a script in the folder that the package is installed in, and returns the value that it prints as JSON. */
async function inNode(code: string): Promise<any> {
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", code], { cwd: consumerFolder() });
  return JSON.parse(stdout);
}

test("the package holds its files and nothing else", async () => {
  const { stdout } = await run("tar", ["--list", "--file", await packedFile()]);
  expect(stdout.split("\n").filter(Boolean).sort()).toEqual(
    [
      "LICENSE-APACHE",
      "LICENSE-MIT",
      "README.md",
      "cli.js",
      "cli/confirm.js",
      "cli/options.js",
      "cli/report.js",
      "cli/run.js",
      "examples/adapter.js",
      "examples/page.html",
      "node.js",
      "package.json",
      "style.css",
      "taskwright.d.ts",
      "taskwright.js",
      "taskwright_bg.js",
      "taskwright_bg.wasm",
    ].map((file) => `package/${file}`),
  );
});

test.describe("linters of packages find nothing", () => {
  const linter = (script: string) => join(required("TASKWRIGHT_ROOT"), "node_modules", script);

  test("publint", async () => {
    const { stdout } = await run(process.execPath, [linter("publint/src/cli.js"), "--strict", "--pack", "npm", installedFolder()]);
    expect(stdout).toContain("All good!");
  });

  test("are the types wrong", async () => {
    // The package is an ES module, which TypeScript's older resolution through `require` does not know.
    const flags = ["--profile", "esm-only", "--exclude-entrypoints", "./style.css", "./taskwright_bg.wasm", "--no-emoji", "--no-color"];
    const { stdout } = await run(process.execPath, [linter("@arethetypeswrong/cli/dist/index.js"), await packedFile(), ...flags]);
    expect(stdout).toContain("OK (ESM)");
  });
});

test("in Node.js it finds its WebAssembly file, also when it is loaded twice at the same time", async () => {
  const seen = await inNode(`
    import init, { Validator, defaultSchema, dryRun, version } from "taskwright";
    const loaded = await Promise.all([init(), init(), init({})]);
    const validator = await Validator.compile(defaultSchema());
    const texts = await dryRun({ goal: "Paint the fence" });
    console.log(JSON.stringify({ loaded, version: version(), tasks: texts.length, violations: texts.flatMap((text) => validator.validateText(text)) }));
  `);
  const { version } = JSON.parse(await readFile(join(installedFolder(), "package.json"), "utf8"));
  expect(seen).toEqual({ loaded: [null, null, null], version, tasks: 3, violations: [] });
});

test("a call before the module is loaded is a TaskwrightError, for every function", async () => {
  const seen = await inNode(`
    import * as module from "taskwright";
    const { default: init, AppHandle, Validator, TaskStream, ...functions } = module;
    const calls = { ...functions, compile: Validator.compile, open: TaskStream.open };
    const names = {};
    for (const [name, call] of Object.entries(calls)) {
      let isRejected = false;
      const caught = (error) => ({ ...error, name: error.name, isError: error instanceof Error, isRejected });
      try {
        const result = call({});
        isRejected = result instanceof Promise;
        names[name] = await result;
      } catch (error) {
        names[name] = caught(error);
      }
    }
    console.log(JSON.stringify(names));
  `);
  const rejecting = ["dryRun", "generate", "deliver", "compile", "open"];
  const throwing = ["buildRequest", "defaultSchema", "lintBatch", "modelSchema", "mount", "version"];
  expect(Object.keys(seen).sort()).toEqual([...rejecting, ...throwing].sort());
  for (const [name, error] of Object.entries(seen)) {
    const isRejected = rejecting.includes(name);
    const hint = expect.stringMatching(/^Await /);
    expect(error, name).toMatchObject({ name: "TaskwrightError", code: "not_initialized", hint, retry: false, isError: true, isRejected });
  }
});

test("a module that cannot be loaded is a TaskwrightError, and can be loaded afterwards", async () => {
  const seen = await inNode(`
    import init, { version } from "taskwright";
    const codes = [];
    for (const options of ["taskwright_bg.wasm", null, { wasm: new Uint8Array() }, { module_or_path: new Uint8Array(8) }, { module_or_path: "file:///nowhere" }]) {
      await init(options).catch((error) => codes.push([error.name, error.code, error.retry, error.cause?.name]));
    }
    await init();
    console.log(JSON.stringify({ codes, version: version() }));
  `);
  const wrong = ["TaskwrightError", "invalid_argument", false, null];
  const failed = (cause: string) => ["TaskwrightError", "load_failed", true, cause];
  expect(seen.codes).toEqual([wrong, wrong, wrong, failed("CompileError"), failed("TypeError")]);
  expect(seen.version).toMatch(/^\d/);
});

test("the example of the README runs in Node.js as written", async () => {
  const readme = await readFile(join(installedFolder(), "README.md"), "utf8");
  const [, example] = /^```js\n(.*?)^```$/ms.exec(readme)!;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", example!], { cwd: consumerFolder() });
  expect(stdout).toMatch(/^\{"key":.+\} \[\]\n$/);
});

test("the example script posts what the model proposes", async () => {
  const testbed = await Testbed.start();
  try {
    const script = join(consumerFolder(), "adapter.mjs");
    await writeFile(script, await readFile(join(installedFolder(), "examples/adapter.js")));
    const environment = {
      PATH: process.env.PATH,
      MODEL_URL: testbed.model("plain", "adapter"),
      MODEL: "scripted",
      TASK_SERVER: testbed.plain("created201", "adapter"),
      AGENT_API_TOKEN: "changeme",
    };
    const { stdout } = await run(process.execPath, [script, "Paint the fence"], { env: environment });
    expect(lines(stdout).map(({ outcome }) => outcome)).toEqual(["delivered", "delivered", "delivered"]);
    expect(await testbed.received("created201", "adapter")).toHaveLength(3);
  } finally {
    await testbed.stop();
  }
});
