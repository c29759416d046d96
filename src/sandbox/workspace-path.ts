/** Checks the one directory that a command may write to. */
import { realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute } from "node:path";
import { MeshError } from "../core/errors.ts";

/** The workspace's real path; refuses what is no directory, and the root and the home, which are never meant. */
export async function checkWorkspace(workspace: string): Promise<string> {
  if (!isAbsolute(workspace)) throw refused(workspace, "give an absolute path");
  const real = await realpath(workspace).catch(() => undefined);
  if (real === undefined || !(await stat(real)).isDirectory()) throw refused(workspace, "no such directory");
  if (real === "/" || real === homedir()) throw refused(workspace, "a command may not write to all of it");
  return real;
}

function refused(workspace: string, description: string): MeshError {
  return MeshError.invalid([{ field: "workspace", description: `"${workspace}": ${description}` }]);
}
