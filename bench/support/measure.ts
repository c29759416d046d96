/**
 * How the benchmarks measure: contenders in turn, A B A B, several rounds after a warm-up; the median and the range of each,
 * and ratios of medians from the same run. CPU of this process and of Redis is counted beside the throughput.
 */
import type { Redis } from "ioredis";

/** One contender of one row: does `tasks` tasks and resolves when every one is accounted for. */
export interface Contender {
  readonly name: string;
  run(tasks: number): Promise<void>;
}

export interface Sample {
  readonly perSecond: number;
  /** CPU of this process, µs a task. */
  readonly nodeMicros: number;
  /** CPU of redis-server, µs a task; undefined where there is none. */
  readonly redisMicros: number | undefined;
}

export interface Measured {
  readonly name: string;
  readonly samples: readonly Sample[];
}

export interface MeasureOptions {
  readonly tasks: number;
  readonly rounds: number;
  /** Asked for the CPU that Redis used. */
  readonly redis?: Redis;
}

/** Every contender's samples, taken in turn. */
export async function measure(
  contenders: readonly Contender[],
  options: MeasureOptions,
): Promise<Measured[]> {
  for (const contender of contenders) await contender.run(Math.ceil(options.tasks / 5));
  const samples = contenders.map((): Sample[] => []);
  for (let round = 0; round < options.rounds; round++)
    for (const [index, contender] of contenders.entries())
      samples[index]?.push(await sample(contender, options));
  return contenders.map(({ name }, index) => ({ name, samples: samples[index] ?? [] }));
}

async function sample(contender: Contender, { tasks, redis }: MeasureOptions): Promise<Sample> {
  const redisBefore = await redisCpuMicros(redis);
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  await contender.run(tasks);
  const seconds = (performance.now() - began) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const redisAfter = await redisCpuMicros(redis);
  return {
    perSecond: tasks / seconds,
    nodeMicros: (cpu.user + cpu.system) / tasks,
    redisMicros:
      redisBefore === undefined || redisAfter === undefined ? undefined : (redisAfter - redisBefore) / tasks,
  };
}

async function redisCpuMicros(redis: Redis | undefined): Promise<number | undefined> {
  if (!redis) return undefined;
  const info = await redis.info("cpu");
  const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1] ?? 0);
  return (seconds("used_cpu_sys") + seconds("used_cpu_user")) * 1_000_000;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
