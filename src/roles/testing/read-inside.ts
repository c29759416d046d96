/**
 * Reads a file that a command may have written. The command could have put a link there, to have us read a file that it
 * may not; so no link is followed, and nothing but a plain file of a bounded size is read.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";

/** The file's text, or undefined when there is no plain file of that name within `bytesMax` (default 32 MiB). */
export async function readInside(
  root: string,
  path: string,
  bytesMax = 33_554_432,
): Promise<string | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(root, path), flags).catch(() => undefined);
  if (!file) return undefined;
  try {
    const status = await file.stat();
    return status.isFile() && status.size <= bytesMax ? await file.readFile("utf8") : undefined;
  } finally {
    await file.close();
  }
}
