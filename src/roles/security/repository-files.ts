/**
 * The files of a repository that scanners look at. Runs in the scanning thread, hence the synchronous reads.
 *
 * Left out: what .gitignore names (it is not part of the repository), what the input excludes, directories of
 * dependencies and build output, binary and large files, and every symbolic link, since its target is either in the
 * repository, and seen there, or outside of it. Dotenv files are looked at although .gitignore names them, marked
 * `ignored`: they hold the credentials that end up in images and archives made from the directory. They are not found
 * within an ignored directory.
 */
import { closeSync, constants, type Dirent, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { excludes, type IgnoreRules, ignoreRules } from "./ignore-rules.ts";
import { bytesMax, directoryKind, isDotenv } from "./kinds.ts";
import { limits } from "./limits.ts";
import type { SkippedFile } from "./report.ts";

export interface RepositoryFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly absolutePath: string;
  readonly bytes: number;
  /** Present, but named by .gitignore. */
  readonly ignored: boolean;
}

export interface RepositoryFiles {
  readonly files: readonly RepositoryFile[];
  readonly skipped: readonly SkippedFile[];
  /** There were more than the limits allow. */
  readonly truncated: boolean;
}

type Look = { readonly file: RepositoryFile } | { readonly skipped: SkippedFile["reason"] };

/** Walks breadth first in the order of names, so that the same repository gives the same list. */
export function listRepositoryFiles(root: string, exclude: readonly string[] = []): RepositoryFiles {
  const files: RepositoryFile[] = [];
  const skipped: SkippedFile[] = [];
  const isExcluded = excludes(exclude);
  const directories: { path: string; rules: IgnoreRules }[] = [{ path: "", rules: ignoreRules() }];
  let truncated = false;
  for (const directory of directories) {
    const entries = readDirectory(join(root, directory.path));
    if (!entries) {
      skipped.push({ file: directory.path, reason: "cannot be read" });
      continue;
    }
    const rules = entries.some((entry) => entry.name === ".gitignore" && entry.isFile())
      ? directory.rules.with(directory.path, readText(join(root, directory.path, ".gitignore")) ?? "")
      : directory.rules;
    for (const entry of entries) {
      const path = directory.path ? `${directory.path}/${entry.name}` : entry.name;
      if (entry.isDirectory()) {
        const reason = directoryReason(path, entry.name, rules, isExcluded);
        if (reason) skipped.push({ file: path, reason });
        else if (directories.length >= limits.directoriesMax) truncated = true;
        else directories.push({ path, rules });
        continue;
      }
      if (files.length >= limits.filesMax) {
        truncated = true;
        continue;
      }
      const look = lookAt(root, path, entry, rules, isExcluded);
      if ("file" in look) files.push(look.file);
      else skipped.push({ file: path, reason: look.skipped });
    }
  }
  return { files, skipped, truncated };
}

function directoryReason(
  path: string,
  name: string,
  rules: IgnoreRules,
  isExcluded: (path: string) => boolean,
): SkippedFile["reason"] | undefined {
  const kind = directoryKind(name);
  if (kind) return kind;
  if (isExcluded(`${path}/`)) return "excluded by the input";
  return rules.ignores(`${path}/`) ? "ignored by .gitignore" : undefined;
}

function lookAt(
  root: string,
  path: string,
  entry: Dirent,
  rules: IgnoreRules,
  isExcluded: (path: string) => boolean,
): Look {
  if (entry.isSymbolicLink()) return { skipped: "symbolic link" };
  if (!entry.isFile()) return { skipped: "not a regular file" };
  if (isExcluded(path)) return { skipped: "excluded by the input" };
  const ignored = rules.ignores(path);
  if (ignored && !isDotenv(entry.name)) return { skipped: "ignored by .gitignore" };
  const absolutePath = join(root, path);
  const head = readHead(absolutePath);
  if (!head) return { skipped: "cannot be read" };
  if (head.bytes > bytesMax(path)) return { skipped: "too large" };
  if (isBinary(head.start)) return { skipped: "binary" };
  return { file: { path, absolutePath, bytes: head.bytes, ignored } };
}

function readDirectory(path: string): Dirent[] | undefined {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return undefined;
  }
}

/** As git does: a NUL in the first 8,000 bytes, unless a byte order mark says UTF-16. */
function isBinary(start: Buffer): boolean {
  return start.includes(0) && !isUtf16(start);
}

function isUtf16(start: Buffer): boolean {
  return start[0] === 0xff && start[1] === 0xfe;
}

function readHead(path: string): { bytes: number; start: Buffer } | undefined {
  return withFile(path, (descriptor, bytes) => ({
    bytes,
    start: readStart(descriptor, Math.min(bytes, 8_000)),
  }));
}

/** A file's text, at most as many bytes as its kind may have; undefined where it can no longer be read. */
export function readText(path: string): string | undefined {
  return withFile(path, (descriptor, bytes) => {
    const content = readStart(descriptor, Math.min(bytes, bytesMax(path)));
    return isUtf16(content)
      ? content.toString("utf16le").slice(1)
      : content.toString("utf8").replace(/^\uFEFF/, "");
  });
}

/** Opens without following a link and without waiting for the other end of a pipe: the tree may change under the walk. */
function withFile<T>(path: string, use: (descriptor: number, bytes: number) => T): T | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(descriptor);
    return stats.isFile() ? use(descriptor, stats.size) : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function readStart(descriptor: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let read = 0;
  while (read < bytes) {
    const count = readSync(descriptor, buffer, read, bytes - read, read);
    if (count === 0) break;
    read += count;
  }
  return buffer.subarray(0, read);
}
