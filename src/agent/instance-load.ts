/** How busy this process's instances are, for their heartbeats. */
import type { InstanceLoad } from "../fleet/instances.ts";

/** Of one role's worker. */
export interface WorkerLoad {
  readonly tasksRunning: number;
  /** Tasks that it takes at once. */
  readonly slots: number;
}

export interface ProcessMeters {
  /** Processor time that the process has used, in microseconds. */
  readonly cpuMicros: () => number;
  /** Milliseconds of any steady clock. */
  readonly nowMs: () => number;
  readonly memoryBytes: () => number;
}

/** Shorter stretches say little of how much of a processor is used. */
const stretchMsMin = 500;

/**
 * Answers with the load of an instance whose worker is `worker`: its tasks are its own, processor and memory are the whole
 * process's, which roles in one process share.
 */
export function loadMeter(meters: ProcessMeters): (worker: WorkerLoad | undefined) => InstanceLoad {
  let sinceMs = meters.nowMs();
  let sinceMicros = meters.cpuMicros();
  let cpuUtilization = 0;
  return (worker) => {
    const nowMs = meters.nowMs();
    if (nowMs - sinceMs >= stretchMsMin) {
      const micros = meters.cpuMicros();
      cpuUtilization = Math.max(0, (micros - sinceMicros) / 1_000 / (nowMs - sinceMs));
      sinceMs = nowMs;
      sinceMicros = micros;
    }
    const { tasksRunning = 0, slots = 0 } = worker ?? {};
    return { tasksRunning, slots, cpuUtilization, memoryBytes: meters.memoryBytes() };
  };
}

export const processMeters: Omit<ProcessMeters, "nowMs"> = {
  cpuMicros: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  memoryBytes: () => process.memoryUsage.rss(),
};
