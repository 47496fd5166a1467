// Parsing and validating tasks: `Validator` against `JSON.parse` and Ajv.
import Ajv from "ajv/dist/2020";
import addFormats from "ajv-formats";

import init, { Validator, defaultSchema } from "../../pkg/taskwright.js";
import { measure, expect, type Contender, type Figure, type Options } from "./samples.ts";
import { responseText, taskTexts } from "./tasks.ts";

const TASKS = 10_000;

/** Ways to make a task invalid. */
const BREAKS: ((task: Record<string, unknown>) => void)[] = [
  (task) => delete task.priority,
  (task) => (task.key = "Not a key"),
  (task) => (task.title = "x".repeat(121)),
  (task) => (task.due = "2027-02-30"),
  (task) => (task.unknown = { a: 1 }),
];

/** The same tasks, with one in twenty made invalid. */
function withBroken(texts: string[]): string[] {
  return texts.map((text, index) => {
    if (index % 20 !== 7) return text;
    const task = JSON.parse(text) as Record<string, unknown>;
    BREAKS[Math.floor(index / 20) % BREAKS.length]!(task);
    return JSON.stringify(task);
  });
}

/** Runs this part. */
export async function run(options: Options): Promise<Figure[]> {
  await init();
  const schema = defaultSchema();
  const validator = await Validator.compile(schema);
  const ajv = new Ajv({ allErrors: true });
  addFormats(ajv);
  const validate = ajv.compile(schema as object);

  const contenders: Contender[] = [];
  const valid = taskTexts(TASKS);
  for (const [table, texts, broken] of [
    [`${TASKS} tasks from text, all valid`, valid, 0],
    [`${TASKS} tasks from text, 1 of 20 invalid`, withBroken(valid), TASKS / 20],
  ] as const) {
    const contender = (name: string, isValid: (text: string) => boolean): Contender => ({
      table,
      name,
      prepare: async () => () => {
        let invalid = 0;
        for (const text of texts) if (!isValid(text)) invalid += 1;
        expect(`the invalid tasks, by ${name}`, invalid, broken);
      },
    });
    contenders.push(
      contender("JSON.parse and Ajv", (text) => validate(JSON.parse(text))),
      contender("Taskwright, validateText", (text) => validator.validateText(text).length === 0),
    );
  }
  const table = `${TASKS} tasks in one text`;
  const text = responseText(valid);
  const together = (name: string, count: () => number): Contender => ({
    table,
    name,
    prepare: async () => () => expect(`the valid tasks, by ${name}`, count(), TASKS),
  });
  contenders.push(
    together("JSON.parse and Ajv", () => {
      const { tasks } = JSON.parse(text) as { tasks: unknown[] };
      return tasks.filter((task) => validate(task)).length;
    }),
    together(
      "Taskwright, validateTasks",
      () => validator.validateTasks(text).filter((found) => found.length === 0).length,
    ),
  );
  return measure(contenders, options);
}
