/** A file that a command or a setting names. */
import { readFileSync } from "node:fs";
import { MeshError } from "../core/errors.ts";
import type { Reason } from "../core/reasons.ts";

/** Throws `reason` that names the file where it cannot be read. */
export function readText(file: string, reason: Reason): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new MeshError(reason, `${file}: cannot be read: ${(cause as Error).message}`, { cause });
  }
}
