/**
 * Whether a directory can be made and written to, found out by looking: a recursive `mkdir` never ends where a file system
 * refuses new directories (/proc), and its errors name a path and no setting.
 */
import { mkdirSync, rmdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { MeshError } from "../core/errors.ts";
import { plainLine } from "./terminal-text.ts";

/** Who named a directory, and so who can name another. */
export interface NamedBy {
  /** Such as `data.dir`. */
  readonly setting: string;
  /** Such as `--data-dir`. */
  readonly flag: string;
}

/** Why nothing can be written in it, in words that follow "cannot be used: "; undefined where it can be. */
export function directoryFault(directory: string): string | undefined {
  let at = resolve(directory);
  try {
    while (statSync(at, { throwIfNoEntry: false }) === undefined && dirname(at) !== at) at = dirname(at);
    if (!statSync(at).isDirectory()) return `${at} is not a directory`;
    // Only an attempt tells: for root every directory counts as writable.
    const probe = join(at, `.agentmesh-${process.pid}`);
    mkdirSync(probe);
    rmdirSync(probe);
    return undefined;
  } catch (error) {
    return wordsOf(error as NodeJS.ErrnoException, at);
  }
}

/** Makes it, with those above it. Throws INVALID_CONFIG that says what is in the way, and who named it. */
export function makeDirectory(directory: string, { setting, flag }: NamedBy): void {
  const why = directoryFault(directory) ?? madeFault(directory);
  if (why === undefined) return;
  const description = `${directory} cannot be used: ${plainLine(why)}; name another with ${flag}`;
  throw new MeshError("INVALID_CONFIG", `${setting}: ${description}`, {
    fields: [{ field: setting, description }],
  });
}

/** Throws INVALID_FIELD that names `--out` where nothing could be written to it. */
export function checkOut(directory: string): void {
  const why = directoryFault(directory);
  if (why === undefined) return;
  const description = `cannot write to ${directory}: ${plainLine(why)}; name another directory`;
  throw MeshError.invalid([{ field: "--out", description }]);
}

function madeFault(directory: string): string | undefined {
  try {
    mkdirSync(directory, { recursive: true });
    return undefined;
  } catch (error) {
    return wordsOf(error as NodeJS.ErrnoException, directory);
  }
}

function wordsOf({ code = "", message }: NodeJS.ErrnoException, at: string): string {
  if (["EACCES", "EROFS", "EPERM", "ENOENT"].includes(code)) return `${at} cannot be written to`;
  return message;
}
