/** What /proc says of processes, parsed, and what follows from it; pure. `process-tree.ts` does the reading. */
import type { SandboxEnd, SandboxLimits } from "./sandbox.ts";

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly state: string;
  readonly threads: number;
  /** Clock ticks since boot; with the pid it names one process for good, since pids come back. */
  readonly startTime: number;
}

/** One line of /proc/PID/stat; undefined for a line that is cut short. The name may hold spaces and brackets. */
export function parseStat(line: string): ProcessEntry | undefined {
  const nameEnd = line.lastIndexOf(")");
  const fields = line.slice(nameEnd + 2).split(" ");
  const [state, parent, , session] = fields;
  if (nameEnd < 0 || fields.length < 20 || state === undefined) return undefined;
  return {
    pid: Number.parseInt(line, 10),
    parent: Number(parent),
    session: Number(session),
    state,
    threads: Number(fields[17]),
    startTime: Number(fields[19]),
  };
}

/**
 * Memory that a process holds, from /proc/PID/status: anonymous and shared pages. Pages of files are left out, since the
 * kernel takes those back when it needs them and ten workers would count one program ten times.
 */
export function parseResidentBytes(status: string): number {
  let kibibytes = 0;
  for (const [, amount] of status.matchAll(/^(?:RssAnon|RssShmem):\s+(\d+) kB$/gm))
    kibibytes += Number(amount);
  return kibibytes * 1_024;
}

export interface TreeQuery {
  readonly root: number;
  /** Counts the members of this session too: a child whose parent ended has another parent now. */
  readonly session?: number;
  /** Processes seen in the tree before, as pid → start time. */
  readonly known?: ReadonlyMap<number, number>;
}

/** The processes of a tree, the root included; the dead that nobody has reaped are left out. */
export function membersOf(table: readonly ProcessEntry[], query: TreeQuery): ProcessEntry[] {
  const children = Map.groupBy(table, (entry) => entry.parent);
  const waiting = table.filter(
    (entry) =>
      entry.pid === query.root ||
      entry.session === query.session ||
      query.known?.get(entry.pid) === entry.startTime,
  );
  const members = new Map<number, ProcessEntry>();
  for (let entry = waiting.pop(); entry; entry = waiting.pop()) {
    if (members.has(entry.pid)) continue;
    members.set(entry.pid, entry);
    waiting.push(...(children.get(entry.pid) ?? []));
  }
  return [...members.values()].filter((entry) => entry.state !== "Z" && entry.state !== "X");
}

export interface TreeUsage {
  readonly memoryBytes: number;
  /** Processes and threads. */
  readonly processes: number;
  /** How often the kernel refused a new one. */
  readonly refused: number;
}

/**
 * Which limit a tree is over; memory first, since it is what hurts the machine. Where the kernel refuses processes, a
 * command may live with that; one that was refused more than it may have is a fork bomb that never ends by itself.
 */
export function overLimit(usage: TreeUsage, limits: SandboxLimits): SandboxEnd | undefined {
  if (usage.memoryBytes > limits.memoryBytes) return "memory";
  if (Math.max(usage.processes, usage.refused) > limits.processesMax) return "processes";
  return undefined;
}
