// Tasks for the benchmarks: valid ones of the `agent-task` schema, the same ones at every run.

/** Numbers that look random and are the same at every run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

const VERBS = ["Collect", "Draft", "Review", "Compare", "Move", "Check", "Write", "Remove"];
const THINGS = ["release notes", "billing tables", "open questions", "retry rules", "error codes"];
const PLACES = ["for version 2.4", "of the staging cluster", "before the freeze", "in the handbook"];
const SENTENCES = [
  "Read the linked material first and note what has changed since the last release.",
  "List what is missing, one line each, and say where it should stand.",
  "Keep to the house style: short sentences, no abbreviations.",
  'Quote the error text exactly, such as "connection reset by peer".',
  "Do not touch the tables of the archive; they are read-only until the freeze.",
];
/** What stands in one task out of eight, so that not all text is ASCII. */
const BEYOND_ASCII = "Größe und Maß prüfen — “exactly as written”, 例 included.";
const PRIORITIES = ["low", "normal", "high", "urgent"];
const ROLES = ["writer", "researcher", "reviewer"];
const LABELS = ["docs", "release-2", "billing", "ops", "follow-up"];

/** The texts of `count` valid tasks, about 330 bytes each, as a model writes them. */
export function taskTexts(count: number, seed = 1): string[] {
  const next = numbers(seed);
  const one = <T>(list: T[]): T => list[next() % list.length]!;
  const keys: string[] = [];
  return Array.from({ length: count }, (_, index) => {
    const [verb, thing, place] = [one(VERBS), one(THINGS), one(PLACES)];
    const key = `${verb}-${thing}-${index}`.toLowerCase().replaceAll(" ", "-");
    const sentences = Array.from({ length: 1 + (next() % 2) }, () => one(SENTENCES));
    if (next() % 8 === 0) sentences.push(BEYOND_ASCII);
    const task: Record<string, unknown> = {
      key,
      title: `${verb} ${thing} ${place} (${index})`,
      instructions: sentences.join("\n"),
      priority: one(PRIORITIES),
    };
    if (next() % 2) task.role = one(ROLES);
    if (next() % 4 === 0) task.inputs = [{ name: "source", value: `https://example.com/${key}` }];
    if (next() % 2) task.acceptance = [`The ${thing} are complete.`];
    if (next() % 2) task.labels = [...new Set([one(LABELS), one(LABELS)])];
    if (index > 0 && next() % 3 === 0) task.depends_on = [keys[next() % index]!];
    if (next() % 4 === 0) task.due = `2027-0${1 + (next() % 9)}-1${next() % 10}`;
    keys.push(key);
    return JSON.stringify(task);
  });
}

/** The answer of a model that was asked for tasks: the envelope around them. */
export function answerText(tasks: string[]): string {
  return `{"tasks":[${tasks.join(",")}]}`;
}
