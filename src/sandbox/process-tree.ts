/**
 * The processes of one command: what they use, and how all of them end. Two ways to know them:
 * in a PID namespace, whose first process takes every other with it, and without one, by parent, session and a mark in the
 * environment. Where the system has no /proc (macOS) nothing is measured and the process group alone is killed.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fixedLimits } from "./limits.ts";
import { membersOf, type ProcessEntry, parseResidentBytes, parseStat, type TreeUsage } from "./proc.ts";

export interface ProcessTree {
  /** What the tree uses now. */
  usage(): TreeUsage;
  /** Kills every process; resolves when none is left, or after `reapMs`. */
  kill(): Promise<void>;
}

/** The variable that marks every process of an uncontained command. */
export const markName = "AGENTMESH_SANDBOX";

/** A tree inside a PID namespace; `init` answers with the namespace's first process once it is known. */
export function namespaceTree(outer: number, init: () => number | undefined): ProcessTree {
  return {
    usage: () => usageOf(membersOf(readTable(), { root: outer })),
    kill: async () => {
      const first = init();
      // The kernel ends a namespace whole with its first process, which is gone only when the others are.
      signal(first ?? outer, "SIGKILL");
      await gone(() => !alive(first ?? outer));
    },
  };
}

/** A tree without walls: `root` leads a session of its own, and `mark` is the value of {@link markName} in it. */
export function sessionTree(root: number, mark: string): ProcessTree {
  const known = new Map<number, number>();
  const members = (): ProcessEntry[] => {
    const found = membersOf(readTable(), { root, session: root, known });
    known.clear();
    for (const entry of found) known.set(entry.pid, entry.startTime);
    return found;
  };
  return {
    usage: () => usageOf(members()),
    kill: () =>
      gone(() => {
        const left = new Set(members().map((entry) => entry.pid));
        for (const pid of marked(mark)) left.add(pid);
        // Stopped first: a process that is stopped starts no other while the rest are found.
        for (const name of ["SIGSTOP", "SIGKILL"] as const) {
          if (left.size > 0 || !existsSync("/proc/self")) signal(-root, name);
          for (const pid of left) signal(pid, name);
        }
        return left.size === 0;
      }),
  };
}

function usageOf(members: readonly ProcessEntry[]): TreeUsage {
  let memoryBytes = 0;
  let processes = 0;
  for (const entry of members) {
    processes += entry.threads;
    memoryBytes += parseResidentBytes(read(`/proc/${entry.pid}/status`));
  }
  return { memoryBytes, processes };
}

function readTable(): ProcessEntry[] {
  return pids()
    .map((pid) => parseStat(read(`/proc/${pid}/stat`)))
    .filter((entry) => entry !== undefined);
}

function marked(mark: string): number[] {
  const wanted = `${markName}=${mark}`;
  return pids().filter((pid) => read(`/proc/${pid}/environ`).split("\0").includes(wanted));
}

function pids(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** A file of /proc, or nothing: a process may end between the listing and the reading. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function alive(pid: number): boolean {
  const entry = parseStat(read(`/proc/${pid}/stat`));
  return entry !== undefined && entry.state !== "Z" && entry.state !== "X";
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended already.
  }
}

/** Asks until the answer is yes: the kernel tells nobody but a parent that a process is gone. */
async function gone(isGone: () => boolean): Promise<void> {
  const deadline = performance.now() + fixedLimits.reapMs;
  while (!isGone() && performance.now() < deadline) await delay(5);
}
