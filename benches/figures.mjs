// The figures of a benchmark in Chromium, as `xtask/src/bench/in_browser.rs` reads them.

/** Collects one figure per round for each line of each table. */
export class Figures {
  #figures = new Map();

  add(table, name, value, unit = "ms") {
    const key = `${table}\n${name}`;
    const figure = this.#figures.get(key) ?? { table, unit, name, rounds: [] };
    figure.rounds.push(value);
    this.#figures.set(key, figure);
  }

  /** The output of a benchmark: one line of JSON. */
  output(browser) {
    return JSON.stringify({ browser, figures: [...this.#figures.values()] });
  }
}
