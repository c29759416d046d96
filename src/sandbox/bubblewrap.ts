/**
 * A command behind bubblewrap's walls: no network, the file system read-only but for the workspace, an empty /tmp, its own
 * processes, devices, users and host name, no capabilities, and a clean environment.
 *
 * Two things these walls do not do. The command may read files outside the paths that `walls.ts` hides; without a network
 * it can only put them in its own output. And the bytes it writes to the workspace are the disk's to bound.
 */
import { existsSync, lstatSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { hostEnvironment } from "../core/config/host.ts";
import { MeshError } from "../core/errors.ts";
import { Bounds, type BoundsOptions } from "./bounds.ts";
import { commandEnvironment, commandPath, passedVariables } from "./environment.ts";
import { fixedLimits } from "./limits.ts";
import { namespaceTree } from "./process-tree.ts";
import type { Sandbox, SandboxOptions, SandboxResult } from "./sandbox.ts";
import { isBelow, scratchDirectory, type Walls, wallsFor } from "./walls.ts";
import { checkWorkspace } from "./workspace-path.ts";

/** The command's home and TMPDIR inside. */
const scratch = `${scratchDirectory}/home`;

export interface BubblewrapOptions extends BoundsOptions {
  /** Further directories that commands must not see, such as the mesh's own data; default none. */
  readonly hide?: readonly string[];
}

export function bubblewrapSandbox(options: BubblewrapOptions = {}): Sandbox {
  const bounds = new Bounds(options);
  return {
    containment: "bubblewrap",
    run: async (command, runOptions) => {
      const result = await runContained(command, runOptions, { ...options, bounds });
      // bubblewrap's own failure looks like the command's exit; only before the command runs is its word the first.
      if (result.exitCode === 1 && result.stdout === "" && result.stderr.startsWith("bwrap: "))
        throw new MeshError(
          "SANDBOX_UNAVAILABLE",
          `bubblewrap could not make a sandbox: ${result.stderr.trim()}`,
        );
      return result;
    },
  };
}

async function runContained(
  command: readonly string[],
  options: SandboxOptions,
  { hide = [], bounds }: BubblewrapOptions & { readonly bounds: Bounds },
): Promise<SandboxResult> {
  const workspace = await checkWorkspace(options.workspace);
  const execPath = await realpath(process.execPath);
  const host = hostEnvironment(passedVariables);
  const path = commandPath(host.PATH, execPath);
  const program = path.map((directory) => join(directory, "bwrap")).find(existsSync);
  if (program === undefined) throw new MeshError("SANDBOX_UNAVAILABLE", "bwrap is not installed");
  const walls = wallsFor({ home: homedir(), path, execPath, hide, exists });
  return bounds.run(
    {
      walls: [program, ...bubblewrapArguments(workspace, walls), "--"],
      command,
      cwd: workspace,
      env: commandEnvironment({ host, execPath, scratch, added: options.env }),
      containment: "bubblewrap",
      treeOf: (child) => namespaceTree(child.pid!, firstProcess(child.stdio[3] as Readable)),
    },
    { ...options, workspace },
  );
}

/** bubblewrap's arguments, in the order in which it carries them out; pure. */
export function bubblewrapArguments(workspace: string, walls: Walls): string[] {
  const shown = (inScratch: boolean) =>
    walls.shown
      .filter((path) => isBelow(path, scratchDirectory) === inScratch)
      .flatMap((path) => ["--ro-bind", path, path]);
  return [
    ...["--unshare-all", "--unshare-user", "--disable-userns", "--hostname", "sandbox"],
    ...["--cap-drop", "ALL", "--die-with-parent", "--new-session", "--json-status-fd", "3"],
    ...["--ro-bind", "/", "/"],
    ...walls.emptyDirectories.flatMap((path) => ["--tmpfs", path]),
    ...shown(false),
    ...walls.emptyFiles.flatMap((path) => ["--ro-bind", "/dev/null", path]),
    // Made read-only once all that is shown in them is mounted; a write there would be memory that nothing bounds.
    ...walls.emptyDirectories.flatMap((path) => ["--remount-ro", path]),
    ...["--dev", "/dev", "--size", String(fixedLimits.sharedMemoryBytes), "--tmpfs", "/dev/shm"],
    ...["--remount-ro", "/dev", "--proc", "/proc"],
    ...["--size", String(fixedLimits.tmpBytes), "--tmpfs", scratchDirectory, "--dir", scratch],
    ...shown(true),
    ...["--bind", workspace, workspace, "--chdir", workspace],
  ];
}

/** The host's id of the namespace's first process, once bubblewrap has written its status. */
function firstProcess(status: Readable): () => number | undefined {
  let text = "";
  status.on("data", (chunk: Buffer) => {
    text += chunk;
  });
  return () => {
    const found = /"child-pid":\s*(\d+)/.exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
}

/** Whether there is something to hide or show; what we cannot reach, the command cannot either. */
function exists(path: string): boolean {
  try {
    return !lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}
