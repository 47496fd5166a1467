// The official JSON Schema test suite for draft 2020-12, run against the built module's `Validator` in
// a browser. tests/json_schema_suite.rs runs it natively. Both use tests/json-schema-exceptions.json.
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";

import { expect, test, type Page } from "@playwright/test";

import { required } from "./program.ts";
import { TaskServer } from "./servers.ts";

const TESTS = join(required("TASKWRIGHT_ROOT"), "tests");
const SUITE = join(TESTS, "json-schema-suite");

/** The address that the suite expects its remote schemas at. */
const REMOTES_ADDRESS = "http://localhost:1234";

/** The files that expect `format` to be asserted. In all others it is an annotation. */
const FORMATS_ASSERTED = ["optional/format/", "optional/format-assertion.json"];

/** The texts of the JSON files in a folder, by their relative path with `/`. */
type Files = Record<string, string>;

/** Tests that fail here, and why. */
interface Exception {
  reason: string;
  file: string;
  case: string;
  tests: string[];
}

/** A failed test. */
interface Failure {
  file: string;
  case: string;
  test: string;
  why: string;
}

let server: TaskServer;
let folder: string;
let exceptions: Exception[];
let files: Files;
let remotes: Files;

test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskwright-suite-"));
  server = await TaskServer.start(folder);
  exceptions = JSON.parse(await readFile(join(TESTS, "json-schema-exceptions.json"), "utf8"));
  files = await jsonFiles(join(SUITE, "tests/draft2020-12"));
  remotes = await jsonFiles(join(SUITE, "remotes"));
});

test.afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

async function jsonFiles(folder: string): Promise<Files> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".json"));
  const texts = names.map(async (name) => [name.replaceAll(sep, "/"), await readFile(join(folder, name), "utf8")]);
  return Object.fromEntries(await Promise.all(texts));
}

/** Runs files of the suite in a page that loads nothing but the module. */
async function run(page: Page, chosen: Files, formats: "assert" | "annotate"): Promise<{ count: number; failures: Failure[] }> {
  await page.goto(`${server.address}/healthz`);
  return page.evaluate(
    async ({ module, chosen, remotes, address, formats }) => {
      const { default: init, Validator } = await import(module);
      await init();
      const resources = Object.fromEntries(
        Object.entries(remotes).map(([file, text]) => [`${address}/${file}`, JSON.parse(text)]),
      );
      const failures: Failure[] = [];
      let count = 0;
      for (const [file, text] of Object.entries(chosen)) {
        for (const { description, schema, tests } of JSON.parse(text)) {
          const compiled = await Validator.compile(schema, { formats, resources }).catch((error: Error) => error);
          for (const { description: test, data, valid } of tests) {
            count += 1;
            const fail = (why: string) => failures.push({ file, case: description, test, why });
            if (compiled instanceof Error) {
              fail(compiled.message);
              continue;
            }
            const violations = compiled.validate(data);
            if ((violations.length === 0) !== valid) fail(`should be valid: ${valid}, was ${JSON.stringify(violations)}`);
          }
          if (!(compiled instanceof Error)) compiled.free();
        }
      }
      return { count, failures };
    },
    { module: "/pkg/taskwright.js", chosen, remotes, address: REMOTES_ADDRESS, formats },
  );
}

/** Failures that are not listed as exceptions, and exceptions that did not fail. */
function unexpected(chosen: Files, failures: Failure[]): { notListed: Failure[]; notFailed: string[] } {
  const name = (file: string, inCase: string, test: string) => [file, inCase, test].join(" | ");
  const listed = exceptions
    .filter(({ file }) => file in chosen)
    .flatMap(({ file, case: inCase, tests }) => tests.map((test) => name(file, inCase, test)));
  const failed = new Set(failures.map(({ file, case: inCase, test }) => name(file, inCase, test)));
  return {
    notListed: failures.filter(({ file, case: inCase, test }) => !listed.includes(name(file, inCase, test))),
    notFailed: listed.filter((one) => !failed.has(one)),
  };
}

function filesWhere(chosen: (file: string) => boolean): Files {
  return Object.fromEntries(Object.entries(files).filter(([file]) => chosen(file)));
}

const assertsFormats = (file: string) => FORMATS_ASSERTED.some((start) => file.startsWith(start));

test("all mandatory tests pass with formats as annotations and the suite's remotes as resources", async ({ page }) => {
  const mandatory = filesWhere((file) => !file.includes("/"));
  const { count, failures } = await run(page, mandatory, "annotate");
  expect(unexpected(mandatory, failures)).toEqual({ notListed: [], notFailed: [] });
  expect(count).toBeGreaterThan(1_200);
});

test("the optional tests pass except for the listed exceptions", async ({ page }) => {
  const optional = filesWhere((file) => file.includes("/") && !assertsFormats(file));
  const { count, failures } = await run(page, optional, "annotate");
  expect(unexpected(optional, failures)).toEqual({ notListed: [], notFailed: [] });
  expect(count).toBeGreaterThan(100);
});

test("the format tests pass with formats asserted except for the listed exceptions", async ({ page }) => {
  const formats = filesWhere(assertsFormats);
  const { count, failures } = await run(page, formats, "assert");
  expect(unexpected(formats, failures)).toEqual({ notListed: [], notFailed: [] });
  expect(count).toBeGreaterThan(400);
});

test("every exception names a file of the suite and a reason", () => {
  expect(exceptions.filter(({ file, reason }) => !(file in files) || reason === "")).toEqual([]);
});
