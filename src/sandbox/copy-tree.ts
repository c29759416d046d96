/** Copies a directory tree: links stay links, nothing outside the tree is read, and its size is bounded. */
import { constants } from "node:fs";
import { copyFile, lstat, mkdir, readdir, readlink, symlink } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { TerminalError } from "../core/errors.ts";

export interface CopyRequest {
  readonly from: string;
  /** An existing empty directory. */
  readonly to: string;
  /** A directory that is passed over, so that a copy made below its source ends. */
  readonly never: string;
  readonly bytesMax: number;
  readonly entriesMax: number;
  readonly signal?: AbortSignal;
}

export interface Copied {
  readonly bytes: number;
  readonly entries: number;
  readonly leftOut: readonly string[];
}

/** Files copied at once: Node has four threads for them. */
const atOnce = 16;

export async function copyDirectory(request: CopyRequest): Promise<Copied> {
  const tally = { bytes: 0, entries: 0, leftOut: [] as string[] };
  const directories = [""];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    const names = await readdir(join(request.from, directory)).catch(passOver(tally, directory));
    for (let at = 0; at < names.length; at += atOnce) {
      const copies = names.slice(at, at + atOnce).map(async (name) => {
        const path = join(directory, name);
        if (name === ".git" || join(request.from, path) === request.never) return;
        if (await copyEntry(request, path, tally)) directories.push(path);
      });
      const faults = (await Promise.allSettled(copies)).filter((copy) => copy.status === "rejected");
      if (faults[0]) throw faults[0].reason;
    }
  }
  return tally;
}

/** Copies one entry; true for a directory, which is made and still has to be walked. */
async function copyEntry(
  request: CopyRequest,
  path: string,
  tally: { bytes: number; entries: number; leftOut: string[] },
): Promise<boolean> {
  request.signal?.throwIfAborted();
  const [from, to] = [join(request.from, path), join(request.to, path)];
  try {
    const status = await lstat(from);
    tally.entries += 1;
    tally.bytes += status.isFile() ? status.size : 0;
    checkSize(request, tally);
    if (status.isDirectory()) await mkdir(to);
    else if (status.isSymbolicLink())
      await symlink(linkTarget(await readlink(from), { from, ...rootsOf(request) }), to);
    else if (status.isFile()) await copyFile(from, to, constants.COPYFILE_FICLONE);
    else leaveOut(tally, path);
    return status.isDirectory();
  } catch (error) {
    passOver(tally, path)(error as NodeJS.ErrnoException);
    return false;
  }
}

const rootsOf = (request: CopyRequest) => ({ source: request.from, copy: request.to });

/**
 * Where a link points in the copy: inside the repository, to the copied target; outside, to the same target as before,
 * by its whole path. It is never followed here, and in the sandbox what is outside is read-only or hidden. Pure.
 */
export function linkTarget(
  target: string,
  at: { readonly from: string; readonly source: string; readonly copy: string },
): string {
  const whole = resolve(dirname(at.from), target);
  const inside = relative(at.source, whole);
  if (inside === ".." || inside.startsWith("../")) return whole;
  return relative(dirname(join(at.copy, relative(at.source, at.from))), join(at.copy, inside)) || ".";
}

function checkSize(request: CopyRequest, tally: { readonly bytes: number; readonly entries: number }): void {
  if (tally.bytes <= request.bytesMax && tally.entries <= request.entriesMax) return;
  const over =
    tally.bytes > request.bytesMax
      ? `${request.bytesMax} bytes`
      : `${request.entriesMax} files and directories`;
  throw new TerminalError(
    "REPOSITORY_TOO_LARGE",
    `${request.from} has more than ${over}, the most that is copied for a run: name a smaller directory of it, or clean it of build results`,
  );
}

/** What cannot be read, or went away since it was listed, is left out; any other fault is thrown. */
function passOver(tally: { leftOut: string[] }, path: string) {
  return (error: NodeJS.ErrnoException): string[] => {
    if (error.code !== "EACCES" && error.code !== "EPERM" && error.code !== "ENOENT") throw error;
    leaveOut(tally, path);
    return [];
  };
}

function leaveOut(tally: { leftOut: string[] }, path: string): void {
  if (tally.leftOut.length < 20) tally.leftOut.push(path);
}
