/** Reads what detection needs of a repository's private copy. */
import { lstat, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { TerminalError } from "../../core/errors.ts";
import { readInside } from "./read-inside.ts";
import { pythons } from "./runners/pytest.ts";
import type { PackageJson, RepositoryFacts } from "./runners/runner.ts";

/** Installed packages and build results: they hold other people's tests. */
const passedOver = new Set([
  "node_modules",
  ".venv",
  "venv",
  "vendor",
  "dist",
  "build",
  "target",
  "__pycache__",
]);
const depthMax = 6;
const filesMax = 20_000;

const Package = z.looseObject({
  scripts: z.record(z.string(), z.string()).optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
  jest: z.unknown().optional(),
});

export async function readFacts(workspace: string): Promise<RepositoryFacts> {
  const files = await listFiles(workspace, (name) => !passedOver.has(name) && !name.startsWith("."));
  const asked = await Promise.all(
    [...pythons, "node_modules"].map(async (path) =>
      (await exists(join(workspace, path))) ? path : undefined,
    ),
  );
  return {
    workspace,
    files,
    installed: asked.filter((path) => path !== undefined),
    packageJson: files.includes("package.json") ? await readPackage(workspace) : undefined,
  };
}

/** When each XML file of the workspace was last written, in milliseconds; a run's reports are those that differ after. */
export async function xmlTimes(workspace: string): Promise<Map<string, number>> {
  const files = await listFiles(workspace, (name) => name !== "node_modules" && !name.startsWith("."));
  const times = new Map<string, number>();
  for (const file of files.filter((path) => path.endsWith(".xml")))
    times.set(file, (await lstat(join(workspace, file))).mtimeMs);
  return times;
}

/** Relative paths of plain files; links are not followed. */
async function listFiles(root: string, enters: (directory: string) => boolean): Promise<string[]> {
  const files: string[] = [];
  let level = [""];
  for (let depth = 0; depth < depthMax && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const directory of level) {
      for (const entry of await readdir(join(root, directory), { withFileTypes: true }).catch(() => [])) {
        const path = join(directory, entry.name);
        if (entry.isFile() && files.length < filesMax) files.push(path);
        if (entry.isDirectory() && enters(entry.name)) next.push(path);
      }
    }
    level = next;
  }
  return files.sort();
}

async function readPackage(workspace: string): Promise<PackageJson> {
  const text = await readInside(workspace, "package.json");
  try {
    return Package.parse(JSON.parse(text ?? ""));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new TerminalError("UNREADABLE_PACKAGE", `package.json cannot be read: ${why}`);
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
