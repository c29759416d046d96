/**
 * The hardest bounds that this machine has, around every command of a sandbox: a cgroup; else the kernel's bound on the
 * user's processes. The watchdog looks in either case.
 */
import { release } from "node:os";
import { type Cgroups, openCgroups } from "./cgroup.ts";
import { withDefaults } from "./limits.ts";
import { prepared, type Supervised, supervise } from "./process.ts";
import { processBound } from "./process-bound.ts";
import { cgroupTree, isRoot, threadsOfUser } from "./process-tree.ts";
import type { SandboxOptions, SandboxResult } from "./sandbox.ts";

export interface BoundsOptions {
  /** False leaves the limits to the watchdog, as where the kernel has no bounds to offer; default true. */
  readonly kernelBounds?: boolean;
}

export interface BoundedCommand extends Supervised {
  /** What stands before the command and makes the walls; empty for none. */
  readonly walls: readonly string[];
}

export class Bounds {
  readonly #kernel: boolean;
  #cgroups: Promise<Cgroups | undefined> | undefined;

  constructor({ kernelBounds = true }: BoundsOptions) {
    this.#kernel = kernelBounds;
  }

  async run({ walls, ...spec }: BoundedCommand, options: SandboxOptions): Promise<SandboxResult> {
    const limits = withDefaults(options.limits);
    if (this.#kernel) this.#cgroups ??= openCgroups();
    const cgroups = await this.#cgroups;
    if (!cgroups) {
      const bound = this.#kernel ? processBound(limits.processesMax, boundFacts(walls)) : undefined;
      return supervise({ ...spec, command: [...walls, ...prepared(spec.command, bound)] }, options);
    }
    await using group = cgroups.make(limits);
    const command = group.entering([...walls, ...prepared(spec.command)]);
    return await supervise({ ...spec, command, treeOf: (child) => cgroupTree(group, child) }, options);
  }
}

function boundFacts(walls: readonly string[]) {
  const root = isRoot();
  const facts = { root, namespace: walls.length > 0, kernelRelease: release() };
  return { ...facts, userThreads: root ? 0 : threadsOfUser() };
}
