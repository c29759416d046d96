/**
 * How the benchmarks measure: contenders in turn, A B A B, several rounds after a warm-up; the median and the range of each,
 * and ratios of medians from the same run. The CPU of every process that takes part is counted beside the throughput.
 */
import type { Meter } from "./meters.ts";

/** One contender of one row: does `tasks` tasks and resolves when every one is accounted for. */
export interface Contender {
  readonly name: string;
  readonly meters: readonly Meter[];
  /** Called before each run; neither timed nor counted. */
  prepare?(tasks: number): Promise<void>;
  run(tasks: number): Promise<void>;
  /** Called after the last round with all that were run, warm-up included; throws where tasks are missing. */
  check?(tasks: number): Promise<void>;
}

export interface Sample {
  readonly perSecond: number;
  /** CPU of each process, µs a task. */
  readonly micros: Readonly<Record<string, number>>;
}

export interface Measured {
  readonly name: string;
  readonly samples: readonly Sample[];
}

export interface MeasureOptions {
  readonly tasks: number;
  readonly rounds: number;
}

/** Tasks that {@link measure} makes each contender do in all. */
export function tasksInAll({ tasks, rounds }: MeasureOptions): number {
  return warmUpOf(tasks).reduce((sum, run) => sum + run, 0) + tasks * rounds;
}

/** By then V8 has compiled what is often called: before, it costs several times as much. */
const warmUpMin = 4_000;

/** The runs of a warm-up, none larger than a round; whole batches, so that no contender has a remainder to do. */
function warmUpOf(tasks: number): number[] {
  if (tasks >= warmUpMin) return [Math.max(warmUpMin, Math.ceil(tasks / 500) * 100)];
  return Array.from({ length: Math.ceil(warmUpMin / tasks) }, () => tasks);
}

/** Every contender's samples, taken in turn. */
export async function measure(
  contenders: readonly Contender[],
  options: MeasureOptions,
): Promise<Measured[]> {
  for (const contender of contenders) for (const run of warmUpOf(options.tasks)) await sample(contender, run);
  const samples = contenders.map((): Sample[] => []);
  for (let round = 0; round < options.rounds; round++)
    for (const [index, contender] of contenders.entries())
      samples[index]?.push(await sample(contender, options.tasks));
  for (const contender of contenders) await contender.check?.(tasksInAll(options));
  return contenders.map(({ name }, index) => ({ name, samples: samples[index] ?? [] }));
}

/** One run of one contender. */
export async function sample(contender: Contender, tasks: number): Promise<Sample> {
  await contender.prepare?.(tasks);
  const before = await readings(contender.meters);
  const began = performance.now();
  await contender.run(tasks);
  const seconds = (performance.now() - began) / 1_000;
  const after = await readings(contender.meters);
  const micros = contender.meters.map(({ name }, index) => {
    const used = (after[index] as number) - (before[index] as number);
    return [name, used / tasks] as const;
  });
  return { perSecond: tasks / seconds, micros: Object.fromEntries(micros) };
}

function readings(meters: readonly Meter[]): Promise<number[]> {
  return Promise.all(meters.map((meter) => meter.cpuMicros()));
}

/** Runs `one` for each of `tasks`, `inFlight` at a time. */
export async function crowd(tasks: number, inFlight: number, one: () => Promise<unknown>): Promise<void> {
  let left = tasks;
  const caller = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}
