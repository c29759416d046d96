/** Says what keeps the limits of commands on this machine, for a person who checks it. */
import { type Cgroups, openCgroups } from "./cgroup.ts";
import { fixedLimits } from "./limits.ts";
import { isRoot } from "./process-tree.ts";

export interface LimitKeepers {
  /** What bounds the number of processes: "cgroup v1 pids", "RLIMIT_NPROC" or the watchdog alone. */
  readonly processes: string;
  /** What bounds memory: "cgroup v2 memory" or the watchdog alone. */
  readonly memory: string;
  /** Whether the kernel bounds processes; where not, a fork bomb can outrun the watchdog for a moment. */
  readonly hard: boolean;
}

/** Looks by making a cgroup and removing it again: some milliseconds. */
export async function describeLimits(): Promise<LimitKeepers> {
  return keepersOf(await openCgroups(), { root: isRoot(), linux: process.platform === "linux" });
}

export function keepersOf(
  cgroups: Pick<Cgroups, "base" | "memory"> | undefined,
  machine: { readonly root: boolean; readonly linux: boolean },
): LimitKeepers {
  const watchdog = machine.linux ? `watchdog alone, every ${fixedLimits.watchMs} ms` : "nothing: Linux only";
  if (cgroups)
    return {
      processes: `cgroup v${cgroups.base.version} pids`,
      memory: cgroups.memory ? `cgroup v${cgroups.base.version} memory` : watchdog,
      hard: true,
    };
  if (machine.root || !machine.linux) return { processes: watchdog, memory: watchdog, hard: false };
  return { processes: "RLIMIT_NPROC", memory: watchdog, hard: true };
}
