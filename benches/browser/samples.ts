// Measuring, and the types that the benchmark pages exchange with `drive.mjs`.

/** A figure with its samples. */
export interface Figure {
  /** The title of its table. */
  table: string;
  /** The contender, such as `Taskwright`. */
  name: string;
  /** Milliseconds of each round. */
  rounds: number[];
}

/** Options of a part. */
export interface Options {
  /** Number of rounds; each contender is measured once per round. */
  rounds: number;
  /** Leave out slow measurements. */
  quick: boolean;
}

/** One implementation to measure. */
export interface Contender {
  table: string;
  name: string;
  /** Runs long enough to need no warm-up round. */
  isLong?: boolean;
  /** Prepares a run, which is not measured, and returns the function to measure. */
  prepare(): Promise<() => void | Promise<void>>;
}

declare global {
  /** Available because Chromium is started with `--expose-gc`. */
  function gc(): void;
}

/**
 * Measures all contenders in turn in each round, so that other load on the machine affects them
 * alike. An additional first round lets the browser compile hot code and does not count.
 */
export async function measure(contenders: Contender[], options: Options): Promise<Figure[]> {
  const figures = contenders.map(({ table, name }): Figure => ({ table, name, rounds: [] }));
  for (let round = -1; round < options.rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      if (round < 0 && contender.isLong) continue;
      const run = await contender.prepare();
      gc();
      const start = performance.now();
      await run();
      const milliseconds = performance.now() - start;
      if (round >= 0) figures[index]!.rounds.push(milliseconds);
    }
  }
  return figures;
}

/** Fails if a contender returned a wrong result. */
export function expect(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`);
}
