// Extracting tasks from a streamed response: `TaskStream` against JavaScript parsers of partial JSON.
//
// For Taskwright everything counts: event stream, chunks, extraction, validation, events for
// JavaScript. The baselines get the text already extracted from its chunks, and only their parsing
// counts. They parse the whole text so far at each piece, which is how they are commonly used.
import { parsePartialJson } from "ai";
import { parse } from "partial-json";

import init, { TaskStream, defaultSchema } from "../../pkg/taskwright.js";
import { chatCompletions, eventByEvent, pieces, reads } from "./chunks.ts";
import { measure, expect, type Contender, type Figure, type Options } from "./samples.ts";
import { responseText, taskTexts } from "./tasks.ts";

/** Characters of text per event. */
const PIECE = 4;
/** Bytes that a browser commonly reads from the network at a time. */
const READ = 64 << 10;
const MEGABYTE = 1_000_000;

/** How the bytes are passed to `push`. */
const EVENT_BY_EVENT = "Taskwright, one event per read";
const IN_READS = "Taskwright, 64 KiB per read";

/** A `TaskStream` that reads all of `parts` and must find exactly these tasks. */
function taskwright(table: string, name: string, parts: Uint8Array[], texts: string[]): Contender {
  return {
    table,
    name,
    async prepare() {
      const stream = await TaskStream.open({ schema: defaultSchema(), api: "chat_completions" });
      return () => {
        let tasks = 0;
        for (const part of parts) {
          for (const event of stream.push(part)) {
            if (event.type !== "task") continue;
            expect("the task", event.text, texts[tasks]);
            expect("its violations", event.violations.length, 0);
            tasks += 1;
          }
        }
        expect("the outcome", stream.finish().outcome, "complete");
        expect("the tasks", tasks, texts.length);
        stream.free();
      };
    },
  };
}

/** A parser that parses the whole text so far at each piece. */
function baseline(
  table: string,
  name: string,
  split: string[],
  tasks: number,
  read: (text: string) => unknown,
): Contender {
  return {
    table,
    name,
    isLong: true,
    async prepare() {
      return async () => {
        let text = "";
        let value: unknown;
        for (const piece of split) {
          text += piece;
          value = await read(text);
        }
        expect(`the tasks of ${name}`, (value as { tasks: unknown[] }).tasks.length, tasks);
      };
    },
  };
}

/** As many tasks as fit into a response of `limit` bytes. */
function tasksUpTo(limit: number): string[] {
  const encoder = new TextEncoder();
  let bytes = responseText([]).length;
  const fits = (text: string) => (bytes += encoder.encode(text).length + 1) <= limit;
  return taskTexts(Math.ceil(limit / 250), 2).filter(fits);
}

/** Runs this part. */
export async function run(options: Options): Promise<Figure[]> {
  await init();
  const [few, many] = [400, 3000];
  const contenders: Contender[] = [];
  for (const size of [50, 100, 200, few, many]) {
    const table = `${size} tasks`;
    const texts = taskTexts(size);
    const split = pieces(responseText(texts), PIECE);
    const body = chatCompletions(split);
    contenders.push(taskwright(table, EVENT_BY_EVENT, eventByEvent(body), texts));
    contenders.push(taskwright(table, IN_READS, reads(body, READ), texts));
    if (size > (options.quick ? 100 : few)) continue;
    const readPartial = async (text: string) => (await parsePartialJson(text)).value;
    contenders.push(baseline(table, "ai, parsePartialJson", split, size, readPartial));
    contenders.push(baseline(table, "partial-json, parse", split, size, parse));
  }

  const texts = tasksUpTo(MEGABYTE);
  const body = chatCompletions(pieces(responseText(texts), PIECE));
  const table = `1 MB of text, ${Math.round(body.bytes.length / 1e6)} MB of events`;
  contenders.push(taskwright(table, EVENT_BY_EVENT, eventByEvent(body), texts));
  contenders.push(taskwright(table, IN_READS, reads(body, READ), texts));

  const figures = await measure(contenders, options);
  for (const way of [EVENT_BY_EVENT, IN_READS]) {
    for (const size of [few, many]) {
      const found = figures.find(({ table, name }) => table === `${size} tasks` && name === way);
      const growth = { table: `growth from ${few} to ${many} tasks: ${way}`, name: `${size} tasks` };
      if (found) figures.push({ ...found, ...growth });
    }
  }
  return figures;
}
