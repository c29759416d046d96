/** Where a cgroup of ours may be made and what its files mean; pure. `cgroup.ts` does the reading and writing. */
import type { SandboxLimits } from "./sandbox.ts";

/** A directory that cgroups of ours are made in. */
export interface CgroupBase {
  readonly version: 1 | 2;
  readonly directory: string;
}

export interface CgroupFacts {
  /** /proc/self/mountinfo. */
  readonly mounts: string;
  /** /proc/self/cgroup. */
  readonly membership: string;
  readonly root: boolean;
}

/**
 * The places to try, best first. None takes a command out of a bound that somebody else has put around us:
 * in version 2 below our own cgroup, or next to it where a user may write there, since that is what delegation means (root
 * may write anywhere, which means nothing); in version 1, which knows no delegation, only where nobody has placed us.
 */
export function cgroupBases({ mounts, membership, root }: CgroupFacts): CgroupBase[] {
  const bases: CgroupBase[] = [];
  for (const { kind, mountRoot, mountPoint, options } of mounts.split("\n").map(parseMount)) {
    const version = kind === "cgroup2" ? 2 : 1;
    if (version === 1 && !(kind === "cgroup" && options.includes("pids"))) continue;
    const own = below(mountRoot, ownPath(membership, version) ?? "");
    if (own === undefined) continue;
    if (version === 1 && own !== "") continue;
    bases.push({ version, directory: mountPoint + own });
    if (version === 2 && !root && own !== "")
      bases.push({ version, directory: mountPoint + own.slice(0, own.lastIndexOf("/")) });
  }
  return bases.sort((one, other) => other.version - one.version);
}

interface Mount {
  readonly kind: string;
  readonly mountRoot: string;
  readonly mountPoint: string;
  readonly options: readonly string[];
}

/** A line of mountinfo: "36 35 98:0 ROOT POINT rw … - KIND source OPTIONS". */
function parseMount(line: string): Mount {
  const [place = "", what = ""] = line.split(" - ");
  const [, , , mountRoot = "", mountPoint = ""] = place.split(" ");
  const [kind = "", , options = ""] = what.split(" ");
  return { kind, mountRoot, mountPoint, options: options.split(",") };
}

/** Our cgroup in the hierarchy, from lines such as "8:pids:/" and "0::/user.slice". */
function ownPath(membership: string, version: 1 | 2): string | undefined {
  const lines = membership.split("\n").map((line) => /^(\d+):([^:]*):(.*)$/.exec(line));
  const own = lines.find((line) =>
    version === 2 ? line?.[1] === "0" : line?.[2]?.split(",").includes("pids"),
  );
  return own?.[3];
}

/** What `path` adds to `root`, "" for the same; undefined where the mount does not show it. */
function below(root: string, path: string): string | undefined {
  if (path === root) return "";
  const start = root === "/" ? "/" : `${root}/`;
  return path.startsWith(start) && !path.includes("/..") ? `/${path.slice(start.length)}` : undefined;
}

/** Processes of ours in a command's cgroup: bubblewrap outside the namespace, and its first process inside. */
const ownProcesses = 2;

/** The files of a new cgroup and what is written to them, the needed one first; the others where the kernel has them. */
export function cgroupSettings(
  limits: SandboxLimits,
  fixed: { readonly tmpBytes: number; readonly sharedMemoryBytes: number },
): { readonly needed: readonly [string, number]; readonly wished: readonly (readonly [string, number])[] } {
  return {
    needed: ["pids.max", limits.processesMax + ownProcesses],
    wished: [
      // The kernel counts files in memory too, and those have bounds of their own.
      ["memory.max", limits.memoryBytes + fixed.tmpBytes + fixed.sharedMemoryBytes],
      ["memory.swap.max", 0],
      ["memory.oom.group", 1],
    ],
  };
}

/** A counter of a file such as pids.events: lines of a name and a number. */
export function counterOf(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}
