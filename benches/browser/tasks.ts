// Tasks for the benchmarks: valid by the `agent-task` schema, and the same in every run.

/** A seeded RNG (mulberry32). */
function seededRng(seed: number): () => number {
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
  "List what is missing, one line each, and say where it should go.",
  "Keep to the house style: short sentences, no abbreviations.",
  'Quote the error text exactly, such as "connection reset by peer".',
  "Do not touch the tables of the archive; they are read-only until the freeze.",
];
/** Part of one task in eight, so that not all text is ASCII. */
const NON_ASCII = "Größe und Maß prüfen — “exactly as written”, 例 included.";
const PRIORITIES = ["low", "normal", "high", "urgent"];
const ROLES = ["writer", "researcher", "reviewer"];
const LABELS = ["docs", "release-2", "billing", "ops", "follow-up"];

/** The JSON texts of `count` valid tasks, about 330 bytes each, as a model writes them. */
export function taskTexts(count: number, seed = 1): string[] {
  const next = seededRng(seed);
  const pick = <T>(list: T[]): T => list[next() % list.length]!;
  const keys: string[] = [];
  return Array.from({ length: count }, (_, index) => {
    const [verb, thing, place] = [pick(VERBS), pick(THINGS), pick(PLACES)];
    const key = `${verb}-${thing}-${index}`.toLowerCase().replaceAll(" ", "-");
    const sentences = Array.from({ length: 1 + (next() % 2) }, () => pick(SENTENCES));
    if (next() % 8 === 0) sentences.push(NON_ASCII);
    const task: Record<string, unknown> = {
      key,
      title: `${verb} ${thing} ${place} (${index})`,
      instructions: sentences.join("\n"),
      priority: pick(PRIORITIES),
    };
    if (next() % 2) task.role = pick(ROLES);
    if (next() % 4 === 0) task.inputs = [{ name: "source", value: `https://example.com/${key}` }];
    if (next() % 2) task.acceptance = [`The ${thing} are complete.`];
    if (next() % 2) task.labels = [...new Set([pick(LABELS), pick(LABELS)])];
    if (index > 0 && next() % 3 === 0) task.depends_on = [keys[next() % index]!];
    if (next() % 4 === 0) task.due = `2027-0${1 + (next() % 9)}-1${next() % 10}`;
    keys.push(key);
    return JSON.stringify(task);
  });
}

/** The response text of a model: the tasks in their envelope. */
export function responseText(tasks: string[]): string {
  return `{"tasks":[${tasks.join(",")}]}`;
}
