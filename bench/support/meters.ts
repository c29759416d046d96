/** The CPU that processes have used, in µs since they began: this one, its children that have ended, Redis, any other. */
import { readFileSync } from "node:fs";
import type { RespClient } from "./resp.ts";

export interface Meter {
  /** The column of the table. */
  readonly name: string;
  cpuMicros(): Promise<number>;
}

/** Linux counts the CPU of other processes in ticks of 10 ms. */
const tickMicros = 10_000;

/** This process, all threads. */
export function ownMeter(name: string): Meter {
  return {
    name,
    async cpuMicros() {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  };
}

export function redisMeter(redis: RespClient): Meter {
  return {
    name: "Redis",
    async cpuMicros() {
      const info = String(await redis.call("INFO", "cpu"));
      const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1] ?? 0);
      return (seconds("used_cpu_sys") + seconds("used_cpu_user")) * 1_000_000;
    },
  };
}

/** Commands that this process ran and that have ended, to 10 ms. */
export function endedChildrenMeter(name: string): Meter {
  return {
    name,
    async cpuMicros() {
      const { childTicks } = ticksOf(readFileSync("/proc/self/stat", "utf8"));
      return childTicks * tickMicros;
    },
  };
}

/** Other processes and their children that have ended, to 10 ms each; `pids` is asked each time. */
export function processesMeter(name: string, pids: () => readonly number[]): Meter {
  return {
    name,
    async cpuMicros() {
      const all = pids().map((pid) => {
        const { ticks, childTicks } = ticksOf(readFileSync(`/proc/${pid}/stat`, "utf8"));
        return ticks + childTicks;
      });
      return all.reduce((sum, ticks) => sum + ticks, 0) * tickMicros;
    },
  };
}

/** CPU in /proc/PID/stat: the process's own, and of children that it has waited for. Pure. */
export function ticksOf(stat: string): { readonly ticks: number; readonly childTicks: number } {
  // The name may hold spaces and brackets; what follows its last bracket begins with field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3]);
  return { ticks: field(14) + field(15), childTicks: field(16) + field(17) };
}
