/** The repository that a command is asked to look at, where it is a path of this machine. */
import { statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { MeshError } from "../core/errors.ts";

/** Throws REPOSITORY_NOT_FOUND that names the option, unless it is a directory. */
export function checkRepository(path: string, option: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  const why = found ? "is not a directory" : "does not exist";
  throw new MeshError("REPOSITORY_NOT_FOUND", `${option}: ${path} ${why}`);
}

/** The same for a workflow's inputs: `repository`, where it is an absolute path. Other texts mean what the workflow says. */
export function checkRepositoryInput({ repository }: Readonly<Record<string, unknown>>): void {
  if (typeof repository === "string" && isAbsolute(repository))
    checkRepository(repository, "--input repository");
}
