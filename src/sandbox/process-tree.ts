/**
 * The processes of one command: what they use, and how all of them end. Three ways to know them: by their cgroup; in a PID
 * namespace, whose first process takes every other with it; and with neither, by parent, session and a mark in the
 * environment. Where the system has no /proc (macOS) nothing is measured and the process group alone is killed.
 */
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Cgroup } from "./cgroup.ts";
import { fixedLimits } from "./limits.ts";
import { membersOf, type ProcessEntry, parseResidentBytes, parseStat, type TreeUsage } from "./proc.ts";
import type { SandboxEnd } from "./sandbox.ts";

export interface ProcessTree {
  /** What the tree uses now; memory is left uncounted (0) when there are more than `processesMax` to ask. */
  usage(processesMax: number): TreeUsage;
  /** The limit that the kernel kept by refusing or killing; undefined where it has none to keep. */
  limitHit?(): SandboxEnd | undefined;
  /** Kills every process; resolves when none is left, or after `reapMs`. */
  kill(): Promise<void>;
}

/** The variable that marks every process of an uncontained command. */
export const markName = "AGENTMESH_SANDBOX";

/** A tree that is a cgroup; `child` is the process that enters it. */
export function cgroupTree(group: Cgroup, child: ChildProcess): ProcessTree {
  return {
    // The kernel bounds the number, so it need not be asked for.
    usage: () => ({ memoryBytes: residentBytes(group.pids()), processes: 0, refused: group.refused() }),
    limitHit: () => group.limitHit(),
    kill: () =>
      gone(() => {
        // Before it has entered it is not in the group yet.
        child.kill("SIGKILL");
        return group.killAll();
      }),
  };
}

/** A tree inside a PID namespace; `init` answers with the namespace's first process once it is known. */
export function namespaceTree(outer: number, init: () => number | undefined): ProcessTree {
  const members = (): ProcessEntry[] => membersOf(readTable(), { root: outer });
  return {
    usage: (processesMax) => usageOf(members(), processesMax),
    kill: async () => {
      const first = init() ?? outer;
      // The kernel ends a namespace whole with its first process, which is gone only when the others are. But in a fork
      // bomb that process waits long for its turn to die, so its group is ended at one stroke, and strays one by one.
      signal(-first, "SIGKILL");
      signal(first, "SIGKILL");
      await gone(() => {
        if (!alive(first)) return true;
        for (const entry of members()) signal(entry.pid, "SIGKILL");
        return false;
      });
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
    usage: (processesMax) => usageOf(members(), processesMax),
    kill: () =>
      gone(() => {
        // The group first, at one stroke: while others are looked for, a fork bomb would grow.
        signal(-root, "SIGKILL");
        const left = new Set([...members().map((entry) => entry.pid), ...marked(mark)]);
        for (const pid of left) signal(pid, "SIGKILL");
        return left.size === 0;
      }),
  };
}

function usageOf(members: readonly ProcessEntry[], processesMax: number): TreeUsage {
  const processes = members.reduce((sum, entry) => sum + entry.threads, 0);
  if (processes > processesMax) return { memoryBytes: 0, processes, refused: 0 };
  return { memoryBytes: residentBytes(members.map((entry) => entry.pid)), processes, refused: 0 };
}

function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + parseResidentBytes(read(`/proc/${pid}/status`)), 0);
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** Processes and threads that run as our user, as far as we see them; 0 where there is no /proc. */
export function threadsOfUser(): number {
  const own = readTable().filter(
    ({ pid }) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === process.geteuid?.(),
  );
  return own.reduce((sum, entry) => sum + entry.threads, 0);
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
export function read(path: string): string {
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

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended already.
  }
}

/** Asks until the answer is yes: the kernel tells nobody but a parent that a process is gone. */
export async function gone(isGone: () => boolean): Promise<void> {
  const deadline = performance.now() + fixedLimits.reapMs;
  while (!isGone() && performance.now() < deadline) await delay(5);
}
