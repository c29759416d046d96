/** What this process says of its settings: its environment, its directory, its files. */
import { readFileSync } from "node:fs";
import type { ConfigSources } from "./load.ts";

/** The sources of the running process; add its flags and hand them to `loadConfig`. */
export function processSources(): ConfigSources {
  return { env: process.env, cwd: process.cwd(), readFile };
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR" || code === "EACCES") return undefined;
    throw error;
  }
}
