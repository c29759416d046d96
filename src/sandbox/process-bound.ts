/** The kernel's bound on a user's processes (RLIMIT_NPROC), for where no cgroup can be made; pure. */

export interface ProcessBoundFacts {
  /** The kernel keeps no such bound for root. */
  readonly root: boolean;
  /** Whether the command runs in a user namespace of its own. */
  readonly namespace: boolean;
  readonly kernelRelease: string;
  /** Processes and threads that the user has now; 0 where that cannot be counted. */
  readonly userThreads: number;
}

/**
 * The bound for a command that may have `processesMax`; undefined where there is none to have. It lies a quarter above:
 * the kernel does not tell what it refused, so the watchdog has to see that the limit was passed.
 */
export function processBound(processesMax: number, facts: ProcessBoundFacts): number | undefined {
  if (facts.root) return undefined;
  const bound = Math.ceil(processesMax * 1.25) + 2;
  if (facts.namespace && kernelCountsPerNamespace(facts.kernelRelease)) return bound;
  return facts.userThreads === 0 ? undefined : facts.userThreads + bound;
}

/** Linux counts processes per user namespace from 5.14 on; before, all that the user runs. */
export function kernelCountsPerNamespace(kernelRelease: string): boolean {
  const [major = 0, minor = 0] = kernelRelease.split(".").map(Number);
  return major > 5 || (major === 5 && minor >= 14);
}
