/**
 * A cgroup for each command, whose bounds the kernel keeps: no fork bomb outruns them. Where none can be made, a bound on
 * the user's processes (`process-bound.ts`) and the watchdog remain.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CgroupBase, cgroupBases, cgroupSettings, counterOf } from "./cgroup-plan.ts";
import { defaultLimits, fixedLimits } from "./limits.ts";
import { parseStat } from "./proc.ts";
import { gone, isRoot, read, signal } from "./process-tree.ts";
import type { SandboxEnd, SandboxLimits } from "./sandbox.ts";

export class Cgroup implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The command behind a shell that puts itself into the cgroup first: no process of it is ever outside. */
  entering(command: readonly string[]): string[] {
    return ["/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', join(this.path, "cgroup.procs"), ...command];
  }

  pids(): number[] {
    return read(join(this.path, "cgroup.procs")).split("\n").filter(Boolean).map(Number);
  }

  /** How often the kernel refused a new process or thread. */
  refused(): number {
    return counterOf(read(join(this.path, "pids.events")), "max");
  }

  /** The limit that the kernel enforced, if it did. */
  limitHit(): SandboxEnd | undefined {
    if (counterOf(read(join(this.path, "memory.events")), "oom_kill") > 0) return "memory";
    return this.refused() > 0 ? "processes" : undefined;
  }

  /** Lets no further process start and kills those that are there; true when none is left. */
  killAll(): boolean {
    const pids = this.pids();
    if (pids.length > 0) attempt(() => writeFileSync(join(this.path, "pids.max"), "0"));
    for (const pid of pids) signal(pid, "SIGKILL");
    return pids.length === 0;
  }

  /** Ends what is left in it and removes it; a cgroup that does not go is left to the next sweep. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Another worker's sweep may be the first to remove it.
    await gone(() => this.killAll() && (attempt(() => rmdirSync(this.path)) || !existsSync(this.path)));
  }
}

/** Makes cgroups in the one place that works here. */
export class Cgroups {
  readonly base: CgroupBase;
  /** Whether the kernel bounds memory in them too. */
  readonly memory: boolean;

  constructor(base: CgroupBase) {
    this.base = base;
    this.memory = controllers(base, "cgroup.subtree_control").includes("memory");
  }

  make(limits: SandboxLimits): Cgroup {
    const group = new Cgroup(mkdtempSync(join(this.base.directory, ownPrefix())));
    const { needed, wished } = cgroupSettings(limits, fixedLimits);
    try {
      writeFileSync(join(group.path, needed[0]), String(needed[1]));
    } catch (error) {
      rmdirSync(group.path);
      throw error;
    }
    for (const [file, value] of wished)
      attempt(() => writeFileSync(join(group.path, file), String(value), { flag: "r+" }));
    return group;
  }

  /** Ends and removes the cgroups of workers that were killed. */
  async sweep(): Promise<void> {
    const left = readdirSync(this.base.directory).filter((name) => isLeft(name));
    await Promise.all(left.map((name) => new Cgroup(join(this.base.directory, name))[Symbol.asyncDispose]()));
  }
}

/** Finds the place where a cgroup can be made, bounded and entered, and sweeps it; undefined where there is none. */
export async function openCgroups(): Promise<Cgroups | undefined> {
  const facts = {
    mounts: read("/proc/self/mountinfo"),
    membership: read("/proc/self/cgroup"),
    root: isRoot(),
  };
  for (const base of cgroupBases(facts)) {
    if (base.version === 2) for (const name of ["pids", "memory"]) enable(base, name);
    try {
      const cgroups = new Cgroups(base);
      await using group = cgroups.make(defaultLimits);
      const [shell, ...rest] = group.entering(["true"]);
      if (spawnSync(shell!, rest, { stdio: "ignore" }).status !== 0) continue;
      await cgroups.sweep();
      return cgroups;
    } catch {
      // Not writable, or without the controller: the next place.
    }
  }
  return undefined;
}

/** Asks for a controller in the cgroups below; refused where processes live in the base itself. */
function enable(base: CgroupBase, controller: string): void {
  const [has, gives] = ["cgroup.controllers", "cgroup.subtree_control"].map((file) =>
    controllers(base, file),
  );
  if (has!.includes(controller) && !gives!.includes(controller))
    attempt(() => writeFileSync(join(base.directory, "cgroup.subtree_control"), `+${controller}`));
}

function controllers(base: CgroupBase, file: string): string[] {
  return read(join(base.directory, file)).trim().split(" ");
}

/** Names the process that a cgroup belongs to for good: its PID namespace, its id there and when it started. */
function ownPrefix(): string {
  return `${namespacePrefix()}${process.pid}-${startTime(process.pid)}-`;
}

function namespacePrefix(): string {
  const [inode] = /\d+/.exec(readlinkSync("/proc/self/ns/pid"))!;
  return `agentmesh-${inode}-`;
}

/** Whether a cgroup is one of a process that is gone. In another PID namespace we could not tell. */
function isLeft(name: string): boolean {
  if (!name.startsWith(namespacePrefix())) return false;
  const [, , pid, started] = name.split("-");
  return startTime(Number(pid)) !== Number(started);
}

function startTime(pid: number): number | undefined {
  return parseStat(read(`/proc/${pid}/stat`))?.startTime;
}

function attempt(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
