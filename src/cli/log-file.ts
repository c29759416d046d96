/** A log that goes to a file, of commands whose terminal is for something else. */
import { appendFileSync } from "node:fs";
import type { LogDestination } from "../core/log.ts";

/** Undefined for no file: the log's own default. Each line is written at once, and whole, since two threads write. */
export function logDestination(file: string | undefined): LogDestination | undefined {
  return file === undefined ? undefined : { write: (line) => appendFileSync(file, line) };
}
