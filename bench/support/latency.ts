/** Rows of latencies: each contender's percentiles, round by round, and the table of their medians and ranges. */
import { type Contender, crowd, type Measured, type Sample, sample } from "./measure.ts";
import { median, percentile, withRange } from "./statistics.ts";
import { cpuColumns, ratioOf, table } from "./table.ts";

/** Of one round. */
export interface Latency {
  readonly p50Micros: number;
  readonly p99Micros: number;
}

export interface LatencyContender extends Contender {
  /** Of the tasks since it was last asked. */
  latency(): Promise<Latency>;
}

export interface LatencyMeasured extends Measured {
  readonly samples: readonly (Sample & Latency)[];
}

/** Contenders in turn, A B A B, after a warm-up as long as a round. */
export async function measureLatency(
  contenders: readonly LatencyContender[],
  { tasks, rounds }: { readonly tasks: number; readonly rounds: number },
): Promise<LatencyMeasured[]> {
  const round = async (contender: LatencyContender) => ({
    ...(await sample(contender, tasks)),
    ...(await contender.latency()),
  });
  for (const contender of contenders) await round(contender);
  const measured = contenders.map((): (Sample & Latency)[] => []);
  for (let turn = 0; turn < rounds; turn++)
    for (const [index, contender] of contenders.entries()) measured[index]?.push(await round(contender));
  return contenders.map(({ name }, index) => ({ name, samples: measured[index] ?? [] }));
}

/** Calls that are timed from here. */
export class Timed {
  #micros: number[] = [];

  /** `inFlight` at a time. */
  async crowd(calls: number, inFlight: number, one: () => Promise<unknown>): Promise<void> {
    await crowd(calls, inFlight, async () => {
      const began = performance.now();
      await one();
      this.add((performance.now() - began) * 1_000);
    });
  }

  add(micros: number): void {
    this.#micros.push(micros);
  }

  async latency(): Promise<Latency> {
    const micros = this.#micros;
    this.#micros = [];
    return { p50Micros: percentile(micros, 50), p99Micros: percentile(micros, 99) };
  }
}

/** Ours first; the ratio is another's p99 over ours. */
export function latencyTable(measured: readonly LatencyMeasured[]): string {
  const cpu = cpuColumns(measured);
  const p99 = (one: LatencyMeasured | undefined) => median((one?.samples ?? []).map((of) => of.p99Micros));
  const lines = measured.map((one, index) => [
    one.name,
    withRange(
      one.samples.map((of) => of.p50Micros),
      milliseconds,
    ),
    withRange(
      one.samples.map((of) => of.p99Micros),
      milliseconds,
    ),
    ...cpu.cellsOf(one),
    index === 0 ? "" : `**${ratioOf(p99(one), p99(measured[0]))}**`,
  ]);
  const columns = ["contender", ">p50 ms, median (range)", ">p99 ms, median (range)"];
  return table([...columns, ...cpu.columns, ">its p99 over ours"], lines);
}

/** Of µs, in ms. */
export function milliseconds(micros: number): string {
  const ms = micros / 1_000;
  return ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2);
}
