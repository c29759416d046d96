/** The limits that stand when a caller names none, in one place, each with its reason. */
import type { SandboxLimits } from "./sandbox.ts";

const mebibyte = 1_048_576;

export const defaultLimits: SandboxLimits = Object.freeze({
  /** Room for a test runner with a few workers; eight tasks at once still fit a 16 GiB laptop. */
  memoryBytes: 2_048 * mebibyte,
  /** A runner starts a worker per core and Node keeps eleven threads in each: serves 64 cores; a fork bomb stays harmless. */
  processesMax: 1_024,
  /** A suite that takes longer than ten minutes is named by its caller, with a longer time. */
  timeMs: 600_000,
  /** The log of a large suite; the report itself comes by a file. */
  outputBytes: 8 * mebibyte,
});

/** Bounds that no caller sets. */
export const fixedLimits = Object.freeze({
  /** /tmp and /dev/shm are memory that no process's count shows, so each has a bound of its own. */
  tmpBytes: 512 * mebibyte,
  sharedMemoryBytes: 256 * mebibyte,
  /** A longer line is cut: it has to fit an entry of a task's log. */
  lineCharactersMax: 16_384,
  /** How often the watchdog looks at the command's processes: a process fills some 100 MB between two looks. */
  watchMs: 50,
  /** The watchdog's share of the event loop: after a look of 1 ms it waits 20 at least. */
  watchRestFactor: 20,
  /** How long a killed command's pipes and processes may take to go before the run ends without them. */
  reapMs: 5_000,
});

export function withDefaults(limits: Partial<SandboxLimits> = {}): SandboxLimits {
  return { ...defaultLimits, ...limits };
}
