/** The kernel's bounds: where they are to be had, and the cgroups that are left behind. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readlinkSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCgroups } from "../../src/sandbox/cgroup.ts";
import { cgroupBases, cgroupSettings, counterOf } from "../../src/sandbox/cgroup-plan.ts";
import { keepersOf } from "../../src/sandbox/describe-limits.ts";
import { defaultLimits } from "../../src/sandbox/limits.ts";
import { kernelCountsPerNamespace, processBound } from "../../src/sandbox/process-bound.ts";

describe("where a cgroup may be made", () => {
  const mount = (root: string, point: string, kind: string, options: string) =>
    `36 31 0:33 ${root} ${point} rw,relatime shared:9 - ${kind} ${kind} rw${options}`;
  const v1 = mount("/", "/sys/fs/cgroup/pids", "cgroup", ",pids");
  const v2 = mount("/", "/sys/fs/cgroup", "cgroup2", "");
  const places = (mounts: readonly string[], membership: string, root: boolean) =>
    cgroupBases({ mounts: mounts.join("\n"), membership, root }).map(
      (base) => `${base.version} ${base.directory}`,
    );

  it("is the top of a version 1 hierarchy that nobody has placed us in", () => {
    const memory = mount("/", "/sys/fs/cgroup/memory", "cgroup", ",memory");
    expect(places([v1, memory], "8:pids:/\n4:memory:/\n", true)).toEqual(["1 /sys/fs/cgroup/pids"]);
    expect(places([v1], "8:pids:/docker/abc\n", true)).toEqual([]);
    const own = mount("/docker/abc", "/sys/fs/cgroup/pids", "cgroup", ",pids");
    expect(places([own], "8:pids:/docker/abc\n", true)).toEqual(["1 /sys/fs/cgroup/pids"]);
  });

  it("is our own cgroup of version 2, and for a user the one around it", () => {
    const scope = "0::/user.slice/app.slice/a.scope\n";
    const own = "2 /sys/fs/cgroup/user.slice/app.slice/a.scope";
    expect(places([v2], scope, true)).toEqual([own]);
    expect(places([v2], scope, false)).toEqual([own, "2 /sys/fs/cgroup/user.slice/app.slice"]);
    expect(places([v2], "0::/\n", false)).toEqual(["2 /sys/fs/cgroup"]);
  });

  it("prefers version 2 where both are mounted", () => {
    expect(places([v1, v2], "8:pids:/\n0::/\n", true)).toEqual(["2 /sys/fs/cgroup", "1 /sys/fs/cgroup/pids"]);
  });

  it("is nowhere without a mount, or where the mount does not show our own", () => {
    expect(places([], "0::/\n", true)).toEqual([]);
    expect(places([mount("/a", "/sys/fs/cgroup", "cgroup2", "")], "0::/ab\n", true)).toEqual([]);
    expect(places([v2], "0::/../other\n", true)).toEqual([]);
  });
});

describe("the files of a cgroup", () => {
  it("leave room for bubblewrap's own processes, and for files in memory", () => {
    const limits = { ...defaultLimits, processesMax: 50, memoryBytes: 1_000 };
    const { needed, wished } = cgroupSettings(limits, { tmpBytes: 10, sharedMemoryBytes: 1 });
    expect(needed).toEqual(["pids.max", 52]);
    expect(wished).toContainEqual(["memory.max", 1_011]);
  });

  it("count by name", () => {
    expect(counterOf("low 0\noom 3\noom_kill 2\n", "oom_kill")).toBe(2);
    expect(counterOf("max 7\n", "max")).toBe(7);
    expect(counterOf("", "max")).toBe(0);
  });
});

describe("the bound on a user's processes", () => {
  const facts = { root: false, namespace: true, kernelRelease: "6.1.0", userThreads: 300 };

  it.each([
    ["counts in the namespace alone", {}, 127],
    ["adds to what the user runs without a namespace", { namespace: false }, 427],
    ["adds to what the user runs on an old kernel", { kernelRelease: "5.10.0" }, 427],
    ["is none for root", { root: true }, undefined],
    ["is none where nothing can be counted", { namespace: false, userThreads: 0 }, undefined],
  ])("%s", (_name, more, bound) => expect(processBound(100, { ...facts, ...more })).toBe(bound));

  it.each([
    ["5.13.19", false],
    ["5.14.0-1", true],
    ["6.1.0-18-amd64", true],
    ["4.19", false],
  ])("knows that %s counts per namespace: %s", (release, counts) =>
    expect(kernelCountsPerNamespace(release)).toBe(counts),
  );
});

describe("keepersOf", () => {
  const base = { version: 1 as const, directory: "/sys/fs/cgroup/pids" };

  it("names the cgroup, the user's bound, or the watchdog alone", () => {
    expect(keepersOf({ base, memory: false }, { root: true, linux: true })).toEqual({
      processes: "cgroup v1 pids",
      memory: "watchdog alone, every 50 ms",
      hard: true,
    });
    expect(keepersOf(undefined, { root: false, linux: true }).processes).toBe("RLIMIT_NPROC");
    expect(keepersOf(undefined, { root: true, linux: true })).toMatchObject({ hard: false });
    expect(keepersOf(undefined, { root: false, linux: false })).toMatchObject({ hard: false });
  });
});

const cgroups = await openCgroups();

describe.skipIf(!cgroups)("cgroups (skipped where none can be made)", () => {
  it("end and remove what a killed worker left, and nothing else", async () => {
    const [namespace] = /\d+/.exec(readlinkSync("/proc/self/ns/pid"))!;
    // A process of this id has another start.
    const left = join(cgroups!.base.directory, `agentmesh-${namespace}-${process.pid}-1-left`);
    const elsewhere = join(cgroups!.base.directory, `agentmesh-1-${process.pid}-1-elsewhere`);
    mkdirSync(left);
    mkdirSync(elsewhere);
    await using live = cgroups!.make(defaultLimits);
    const orphan = spawn("sh", ["-c", `echo $$ >${left}/cgroup.procs; echo in; exec sleep 60`]);
    await once(orphan.stdout, "data");
    const died = once(orphan, "exit");
    await cgroups!.sweep();
    expect(await died).toEqual([null, "SIGKILL"]);
    expect([left, live.path, elsewhere].map((path) => existsSync(path))).toEqual([false, true, true]);
    rmdirSync(elsewhere);
  });

  it("are gone with their command", async () => {
    const group = cgroups!.make(defaultLimits);
    await group[Symbol.asyncDispose]();
    expect(existsSync(group.path)).toBe(false);
  });
});
