/**
 * A private copy of a repository for commands to write in: the user's own files are never written to. Copy-on-write where
 * the file system has it. `.git` stays behind: it can outweigh the rest, its settings can hold tokens, and few suites ask
 * for history.
 */
import { chmod, mkdir, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyDirectory } from "./copy-tree.ts";

export interface WorkspaceOptions {
  /** Aborting ends the copying; what was copied is removed. */
  readonly signal?: AbortSignal;
  /** The largest repository, in bytes; default 4 GiB: a large one with its packages installed, and a disk survives a few. */
  readonly bytesMax?: number;
  /** The most files, links and directories; default 500,000. */
  readonly entriesMax?: number;
  /** Where the copy is made; default the system's directory for temporary files. */
  readonly parent?: string;
}

export interface Workspace extends AsyncDisposable {
  /** The copy, by its real path. */
  readonly path: string;
  readonly bytes: number;
  readonly entries: number;
  /** Paths that could not be copied: unreadable files, sockets, devices; the first 20. */
  readonly leftOut: readonly string[];
}

/** Copies `source`; dispose of the result to remove the copy. Throws REPOSITORY_TOO_LARGE, and the signal's reason. */
export async function copyWorkspace(source: string, options: WorkspaceOptions = {}): Promise<Workspace> {
  const root = await mkdtemp(join(await realpath(options.parent ?? tmpdir()), "agentmesh-work-"));
  const path = join(root, "repository");
  try {
    await mkdir(path);
    const from = await realpath(source);
    const copied = await copyDirectory({
      ...{ from, to: path, never: root, signal: options.signal },
      bytesMax: options.bytesMax ?? 4 * 1_073_741_824,
      entriesMax: options.entriesMax ?? 500_000,
    });
    return { path, ...copied, [Symbol.asyncDispose]: () => removeTree(root) };
  } catch (error) {
    await removeTree(root);
    throw error;
  }
}

/** Removes a directory, those that a command made unwritable too. */
async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    await makeWritable(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function makeWritable(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await makeWritable(join(path, entry.name));
}
