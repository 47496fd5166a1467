// The official JSON Schema test suite for draft 2020-12, through the built module's `Validator` in
// a browser. tests/json_schema_suite.rs runs the same natively; both keep to
// tests/json-schema-exceptions.json.
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";

import { expect, test, type Page } from "@playwright/test";

import { required } from "./program.ts";
import { TaskServer } from "./servers.ts";

const TESTS = join(required("TASKWRIGHT_ROOT"), "tests");
const SUITE = join(TESTS, "json-schema-suite");

/** Where the suite says its remote schemas are. */
const REMOTES_ADDRESS = "http://localhost:1234";

/** The files in which `format` is a rule: the suite has them apart, since in all others it only says something. */
const FORMATS_ASSERTED = ["optional/format/", "optional/format-assertion.json"];

/** The texts of a folder's JSON files, by their path in it with `/` in between. */
type Files = Record<string, string>;

/** What does not hold here, and why. */
interface Exception {
  reason: string;
  file: string;
  case: string;
  tests: string[];
}

/** A test that did not go as the suite wants it. */
interface Wrong {
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

/** Runs files of the suite in a page that has the module and nothing else of ours. */
async function run(page: Page, chosen: Files, formats: "assert" | "annotate"): Promise<{ count: number; wrong: Wrong[] }> {
  await page.goto(`${server.address}/healthz`);
  return page.evaluate(
    async ({ module, chosen, remotes, address, formats }) => {
      const { default: init, Validator } = await import(module);
      await init();
      const resources = Object.fromEntries(
        Object.entries(remotes).map(([file, text]) => [`${address}/${file}`, JSON.parse(text)]),
      );
      const wrong: Wrong[] = [];
      let count = 0;
      for (const [file, text] of Object.entries(chosen)) {
        for (const { description, schema, tests } of JSON.parse(text)) {
          const compiled = await Validator.compile(schema, { formats, resources }).catch((error: Error) => error);
          for (const { description: test, data, valid } of tests) {
            count += 1;
            const say = (why: string) => wrong.push({ file, case: description, test, why });
            if (compiled instanceof Error) {
              say(compiled.message);
              continue;
            }
            const violations = compiled.validate(data);
            if ((violations.length === 0) !== valid) say(`should be valid: ${valid}, was ${JSON.stringify(violations)}`);
          }
          if (!(compiled instanceof Error)) compiled.free();
        }
      }
      return { count, wrong };
    },
    { module: "/pkg/taskwright.js", chosen, remotes, address: REMOTES_ADDRESS, formats },
  );
}

/** What is wrong and not listed, and what is listed and not wrong. */
function unexpected(chosen: Files, wrong: Wrong[]): { notListed: Wrong[]; noException: string[] } {
  const name = (file: string, inCase: string, test: string) => [file, inCase, test].join(" | ");
  const listed = exceptions
    .filter(({ file }) => file in chosen)
    .flatMap(({ file, case: inCase, tests }) => tests.map((test) => name(file, inCase, test)));
  const failed = new Set(wrong.map(({ file, case: inCase, test }) => name(file, inCase, test)));
  return {
    notListed: wrong.filter(({ file, case: inCase, test }) => !listed.includes(name(file, inCase, test))),
    noException: listed.filter((one) => !failed.has(one)),
  };
}

function filesWhere(chosen: (file: string) => boolean): Files {
  return Object.fromEntries(Object.entries(files).filter(([file]) => chosen(file)));
}

const assertsFormats = (file: string) => FORMATS_ASSERTED.some((start) => file.startsWith(start));

test("every mandatory test holds with formats as annotations and the suite's remotes as resources", async ({ page }) => {
  const mandatory = filesWhere((file) => !file.includes("/"));
  const { count, wrong } = await run(page, mandatory, "annotate");
  expect(unexpected(mandatory, wrong)).toEqual({ notListed: [], noException: [] });
  expect(count).toBeGreaterThan(1_200);
});

test("the optional tests hold but for what is listed with a reason", async ({ page }) => {
  const optional = filesWhere((file) => file.includes("/") && !assertsFormats(file));
  const { count, wrong } = await run(page, optional, "annotate");
  expect(unexpected(optional, wrong)).toEqual({ notListed: [], noException: [] });
  expect(count).toBeGreaterThan(100);
});

test("the tests of formats hold with formats asserted but for what is listed with a reason", async ({ page }) => {
  const formats = filesWhere(assertsFormats);
  const { count, wrong } = await run(page, formats, "assert");
  expect(unexpected(formats, wrong)).toEqual({ notListed: [], noException: [] });
  expect(count).toBeGreaterThan(400);
});

test("every exception names a file of the suite and says why", () => {
  expect(exceptions.filter(({ file, reason }) => !(file in files) || reason === "")).toEqual([]);
});
