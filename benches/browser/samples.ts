// What the pages of the benchmarks hand to the program that started them.

/** One figure, measured several times. */
export interface Figure {
  /** The title of the table in which it stands. */
  table: string;
  /** What was measured, such as `Taskwright`. */
  name: string;
  /** Milliseconds, one for each round. */
  milliseconds: number[];
}

/** What a part was asked for. */
export interface Options {
  /** How many rounds; each contender is measured once in each. */
  rounds: number;
  /** Leave out what takes long. */
  quick: boolean;
}

/** One thing to measure. */
export interface Contender {
  table: string;
  name: string;
  /** Runs so long that it needs no round to warm up. */
  isLong?: boolean;
  /** Gets what the run needs and is not measured; gives the run itself. */
  prepare(): Promise<() => void | Promise<void>>;
}

declare global {
  /** There when Chromium is started with `--expose-gc`. */
  function gc(): void;
}

/**
 * Measures every contender once in each round, one after the other, so that what else the machine
 * does hits all alike. A round before the first lets the browser compile what is hot; it does not
 * count.
 */
export async function measure(contenders: Contender[], options: Options): Promise<Figure[]> {
  const figures = contenders.map(({ table, name }): Figure => ({ table, name, milliseconds: [] }));
  for (let round = -1; round < options.rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      if (round < 0 && contender.isLong) continue;
      const run = await contender.prepare();
      gc();
      const start = performance.now();
      await run();
      const milliseconds = performance.now() - start;
      if (round >= 0) figures[index]!.milliseconds.push(milliseconds);
    }
  }
  return figures;
}

/** Fails where a contender did not do what it was measured for. */
export function expect(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what}: ${String(found)} and not ${String(expected)}`);
}
