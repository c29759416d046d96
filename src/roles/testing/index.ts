/**
 * Runs a repository's test suite in a private copy, contained, and reports each test. Tests that fail are a result, not a
 * failed task; what cannot be run at all is an error that says what to do.
 */
import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { defineRole } from "../../agent/role.ts";
import { TerminalError } from "../../core/errors.ts";
import { copyWorkspace } from "../../sandbox/workspace.ts";
import { detectRun } from "./detect.ts";
import { readFacts } from "./facts.ts";
import { TestInput, TestReport } from "./report.ts";
import { runTests } from "./run-tests.ts";
import { sampleRepository } from "./sample.ts";

export { TestInput, TestReport } from "./report.ts";

export default defineRole({
  name: "testing",
  summary: "Runs a repository's test suite and reports each test",
  input: TestInput,
  output: TestReport,
  scale: { min: 8, max: 200, tasksPerReplica: 4 },
  async run(input, task) {
    const repository = await existing(input.repository);
    task.progress(0, "copying the repository");
    await using workspace = await copyWorkspace(repository, { signal: task.signal });
    if (workspace.leftOut.length > 0) task.log(`not copied: ${workspace.leftOut.join(", ")}`, "warn");
    const plan = detectRun(await readFacts(workspace.path), repository, input.command);
    // The user's command is the user's, in the sample too.
    const trusted = input.command === undefined && repository === (await sampleRepository());
    task.progress(0.1, `running the tests with ${plan.runner}`);
    return await runTests({ plan, workspace: workspace.path, timeoutMs: input.timeoutMs, trusted }, task);
  },
});

async function existing(repository: string): Promise<string> {
  const path = await realpath(resolve(repository)).catch(() => undefined);
  if (path === undefined || !(await stat(path)).isDirectory())
    throw new TerminalError(
      "REPOSITORY_NOT_FOUND",
      `${resolve(repository)} is not a directory that can be read here`,
    );
  return path;
}
