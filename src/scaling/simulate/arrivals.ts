/** When tasks come: by a rate that changes with time, independently of each other, or by a trace. */
import { MeshError } from "../../core/errors.ts";
import type { Random } from "./random.ts";

/** The times of arrivals, in order. */
export interface Arrivals {
  /** The next, in ms; Infinity: none comes any more. */
  next(): number;
}

/** Tasks a second at a time in ms. */
export interface Rate {
  at(ms: number): number;
  /** Never exceeded. */
  readonly most: number;
}

export interface PatternParts {
  /** Tasks a second on average. */
  readonly perSecond: number;
  readonly durationMs: number;
}

export const patterns = ["steady", "burst", "diurnal", "spike"] as const;
export type Pattern = (typeof patterns)[number];

const dayMs = 86_400_000;
const spikeTimes = 8;

/**
 * steady: always the same. diurnal: a day's wave, from a fifth of the mean at night to nine fifths at noon. spike: the mean, and for
 * a twelfth of the time eight times as much. burst: all tasks of the duration within a hundredth of it, after a tenth.
 */
export function rateOf(pattern: Pattern, { perSecond, durationMs }: PatternParts): Rate {
  if (pattern === "steady") return { at: () => perSecond, most: perSecond };
  if (pattern === "diurnal") {
    const wave = (ms: number) => 1 - 0.8 * Math.cos((2 * Math.PI * ms) / dayMs);
    return { at: (ms) => perSecond * wave(ms), most: perSecond * 1.8 };
  }
  const begin = pattern === "spike" ? durationMs * 0.4 : durationMs * 0.1;
  const end = begin + (pattern === "spike" ? durationMs / 12 : durationMs / 100);
  const within = (ms: number) => ms >= begin && ms < end;
  if (pattern === "spike") {
    const most = perSecond * spikeTimes;
    return { at: (ms) => (within(ms) ? most : perSecond), most };
  }
  const most = perSecond * 100;
  return { at: (ms) => (within(ms) ? most : 0), most };
}

/** Arrivals of a Poisson process of that rate, by thinning one of the most that it has (Lewis and Shedler, 1979). */
export class RateArrivals implements Arrivals {
  readonly #rate: Rate;
  readonly #random: Random;
  readonly #endMs: number;
  readonly #meanMs: number;
  #nowMs = 0;

  constructor(rate: Rate, random: Random, endMs: number) {
    this.#rate = rate;
    this.#random = random;
    this.#endMs = endMs;
    this.#meanMs = 1_000 / rate.most;
  }

  next(): number {
    const { most } = this.#rate;
    for (;;) {
      this.#nowMs += this.#random.exponential(this.#meanMs);
      if (this.#nowMs >= this.#endMs) return Number.POSITIVE_INFINITY;
      const now = this.#rate.at(this.#nowMs);
      if (now >= most || this.#random.next() * most < now) return this.#nowMs;
    }
  }
}

/** Arrivals of one role as they were recorded. */
export class TraceArrivals implements Arrivals {
  readonly #times: Float64Array;
  #at = 0;

  constructor(times: readonly number[]) {
    this.#times = Float64Array.from(times).sort();
  }

  next(): number {
    return this.#times[this.#at++] ?? Number.POSITIVE_INFINITY;
  }
}

/**
 * A trace's arrivals by role: a CSV with a head, `seconds,role` and, where it is there, `count`. Throws INVALID_CONFIG that names the
 * line.
 */
export function readTrace(text: string, file: string): ReadonlyMap<string, number[]> {
  const [head = "", ...lines] = text.split(/\r?\n/);
  const columns = head.split(",").map((column) => column.trim());
  const [seconds, role, count] = ["seconds", "role", "count"].map((name) => columns.indexOf(name)) as [
    number,
    number,
    number,
  ];
  if (seconds < 0 || role < 0)
    throw new MeshError(
      "INVALID_CONFIG",
      `${file}:1: the head must have the columns seconds and role; count is optional`,
    );
  const times = new Map<string, number[]>();
  for (const [place, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const cells = line.split(",").map((cell) => cell.trim());
    const at = Number(cells[seconds] || Number.NaN);
    const name = cells[role] ?? "";
    const tasks = count < 0 ? 1 : Number(cells[count] || Number.NaN);
    if (!(at >= 0) || name === "" || !(Number.isInteger(tasks) && tasks >= 0 && tasks <= 1_000_000))
      throw new MeshError(
        "INVALID_CONFIG",
        `${file}:${place + 2}: "${line.slice(0, 80)}" is no time in seconds, role and count`,
      );
    const own = times.get(name) ?? [];
    times.set(name, own);
    for (let task = 0; task < tasks; task++) own.push(at * 1_000);
  }
  return times;
}
