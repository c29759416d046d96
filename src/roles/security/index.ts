/** The security role: credentials, risky code and facts of dependencies in a repository. Reads it, never runs any of it. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { z } from "zod";
import { defineRole } from "../../agent/role.ts";
import { TerminalError } from "../../core/errors.ts";
import { SecurityReport } from "./report.ts";

export { SecurityReport } from "./report.ts";

export default defineRole({
  name: "security",
  summary: "Looks for credentials, risky code and unsafe dependencies in a repository",
  input: z.strictObject({
    /** A directory. */
    repository: z.string().min(1),
    /** Patterns as in .gitignore, relative to the repository; default: none. */
    exclude: z.array(z.string().min(1).max(1_000)).max(1_000).optional(),
  }),
  output: SecurityReport,
  // A scan keeps a core busy.
  concurrency: 2,
  scale: { min: 6, max: 150, tasksPerReplica: 2 },
  async run(input, task) {
    await checkRepository(input.repository);
    // The scanners load in the thread: the list of roles, which every command reads, stays quick to load.
    const { scanInThread } = await import("./thread.ts");
    return scanInThread(input, {
      signal: task.signal,
      log: (line) => task.log(line),
      progress: (fraction, message) => task.progress(fraction, message),
    });
  },
});

async function checkRepository(path: string): Promise<void> {
  try {
    if (!(await stat(path)).isDirectory()) throw new Error("it is not a directory");
    await access(path, constants.R_OK | constants.X_OK);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TerminalError("REPOSITORY_NOT_FOUND", `repository "${path}": ${why}`, { cause: error });
  }
}
