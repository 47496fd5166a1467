// Tasks out of a streamed answer: `TaskStream`, beside what reads partial JSON in JavaScript.
//
// Ours counts everything: event stream, chunks, extraction, validation, events to JavaScript. The
// peers get the text that was already taken out of its chunks, and count their parse alone. Each
// reads the growing text at each piece, as their users have them do.
import { parsePartialJson } from "ai";
import { parse } from "partial-json";

import init, { TaskStream, defaultSchema } from "../../pkg/taskwright.js";
import { chatCompletions, oneByOne, pieces, reads } from "./chunks.ts";
import { measure, expect, type Contender, type Figure, type Options } from "./samples.ts";
import { answerText, taskTexts } from "./tasks.ts";

/** Characters of the answer in each event. */
const PIECE = 4;
/** How much a browser commonly reads from the network at a time. */
const READ = 64 << 10;
const MEGABYTE = 1_000_000;

/** How `push` gets the bytes. */
const ONE_BY_ONE = "Taskwright, an event a read";
const IN_READS = "Taskwright, 64 KiB a read";

/** A stream that reads all of `parts`, and finds exactly these tasks in them. */
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

/** A parser that is given the growing text at each piece. */
function peer(
  table: string,
  name: string,
  cut: string[],
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
        for (const piece of cut) {
          text += piece;
          value = await read(text);
        }
        expect(`the tasks of ${name}`, (value as { tasks: unknown[] }).tasks.length, tasks);
      };
    },
  };
}

/** As many tasks as an answer of `most` bytes holds. */
function upTo(most: number): string[] {
  const encoder = new TextEncoder();
  let bytes = answerText([]).length;
  const fits = (text: string) => (bytes += encoder.encode(text).length + 1) <= most;
  return taskTexts(Math.ceil(most / 250), 2).filter(fits);
}

/** Runs the part. */
export async function run(options: Options): Promise<Figure[]> {
  await init();
  const [few, many] = [400, 3000];
  const contenders: Contender[] = [];
  for (const size of [50, 100, 200, few, many]) {
    const table = `${size} tasks`;
    const texts = taskTexts(size);
    const cut = pieces(answerText(texts), PIECE);
    const body = chatCompletions(cut);
    contenders.push(taskwright(table, ONE_BY_ONE, oneByOne(body), texts));
    contenders.push(taskwright(table, IN_READS, reads(body, READ), texts));
    if (size > (options.quick ? 100 : few)) continue;
    const readPartial = async (text: string) => (await parsePartialJson(text)).value;
    contenders.push(peer(table, "ai, parsePartialJson", cut, size, readPartial));
    contenders.push(peer(table, "partial-json, parse", cut, size, parse));
  }

  const texts = upTo(MEGABYTE);
  const body = chatCompletions(pieces(answerText(texts), PIECE));
  const table = `1 MB of answer, ${Math.round(body.bytes.length / 1e6)} MB of events`;
  contenders.push(taskwright(table, ONE_BY_ONE, oneByOne(body), texts));
  contenders.push(taskwright(table, IN_READS, reads(body, READ), texts));

  const figures = await measure(contenders, options);
  for (const way of [ONE_BY_ONE, IN_READS]) {
    for (const size of [few, many]) {
      const found = figures.find(({ table, name }) => table === `${size} tasks` && name === way);
      const growth = { table: `growth from ${few} to ${many} tasks: ${way}`, name: `${size} tasks` };
      if (found) figures.push({ ...found, ...growth });
    }
  }
  return figures;
}
