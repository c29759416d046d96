/** What a soak looks at as it goes: values that must level off, and a table of where they stood. */
import { median } from "./statistics.ts";
import { table } from "./table.ts";

export interface Gauge {
  readonly name: string;
  read(): Promise<number>;
  show(value: number): string;
}

/** Readings of one gauge at even distances. */
export type Readings = readonly number[];

/** The middle of the readings that end a share of the way; single readings swing with garbage that is not collected yet. Pure. */
export function levelAt(readings: Readings, share: number): number {
  const end = Math.max(1, Math.round(readings.length * share));
  const span = Math.max(1, Math.round(readings.length / 10));
  return median(readings.slice(Math.max(0, end - span), end));
}

/** Reads gauges in turn until told to stop. */
export class Watched {
  readonly #gauges: readonly Gauge[];
  readonly #readings: number[][];
  readonly #timer: NodeJS.Timeout;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(gauges: readonly Gauge[], everyMs: number) {
    this.#gauges = gauges;
    this.#readings = gauges.map(() => []);
    this.#timer = setInterval(() => {
      this.#reading = this.#reading.then(() => this.#read());
    }, everyMs);
  }

  async stop(): Promise<readonly string[][]> {
    clearInterval(this.#timer);
    await this.#reading;
    return this.#gauges.map(({ name, show }, index) => {
      const readings = this.#readings[index] ?? [];
      const quarter = levelAt(readings, 0.25);
      const end = levelAt(readings, 1);
      return [name, show(quarter), show(end), `**${(end / quarter).toFixed(2)}**`];
    });
  }

  async #read(): Promise<void> {
    const values = await Promise.all(this.#gauges.map((gauge) => gauge.read()));
    for (const [index, value] of values.entries()) this.#readings[index]?.push(value);
  }
}

export function gaugeTable(lines: readonly (readonly string[])[]): string {
  return table(["contender", "", ">at a quarter", ">at the end", ">end over quarter"], lines);
}
