/** One test run: the command in the sandbox, its lines to the task's log, its report read. */
import type { TaskContext } from "../../agent/role.ts";
import { MeshError, TerminalError } from "../../core/errors.ts";
import type { OutputStream, SandboxLimits, SandboxResult } from "../../sandbox/sandbox.ts";
import { xmlTimes } from "./facts.ts";
import { faultOf, unreadable } from "./faults.ts";
import { readInside } from "./read-inside.ts";
import type { TestCase, TestReport } from "./report.ts";
import type { RunEvidence, RunPlan } from "./runners/runner.ts";
import { summarize } from "./summarize.ts";

export interface TestRun {
  readonly plan: RunPlan;
  readonly workspace: string;
  /** Undefined: the worker's own limit. */
  readonly timeoutMs: number | undefined;
  readonly trusted: boolean;
}

/** Lines that one run may put in the task's log, of the 10,000 entries that are kept of it. */
const logLinesMax = 5_000;
/** Of a runner whose report is its output: `go test -json` writes some 300 bytes a line. */
const reportingOutputBytes = 67_108_864;

export async function runTests(run: TestRun, task: TaskContext): Promise<TestReport> {
  const { plan, workspace, timeoutMs } = run;
  const title = plan.command[0] === "sh" ? plan.command[2]! : plan.command.join(" ");
  const xmlBefore = plan.looksForXml ? await xmlTimes(workspace) : new Map<string, number>();
  const limits = {
    ...(timeoutMs !== undefined && { timeMs: timeoutMs }),
    ...(plan.reportsOnStdout && { outputBytes: reportingOutputBytes }),
  };
  const result = await contained(run, task, limits);
  task.signal.throwIfAborted();
  task.progress(0.95, "reading the report");
  const tests = parsed(plan, title, result, await evidenceOf(run, result, xmlBefore));
  const { timeMs, memoryBytes } = result.limits;
  const fault = faultOf({ title, result, tests, timeoutMs: timeMs, memoryBytes });
  if (fault) throw fault;
  const summary = summarize(tests ?? [], workspace);
  return {
    ok: result.exitCode === 0 && summary.counts.failed === 0,
    runner: plan.runner,
    command: title,
    containment: result.containment,
    exitCode: result.exitCode ?? null,
    durationMs: result.durationMs,
    ...summary,
  };
}

async function contained(
  run: TestRun,
  task: TaskContext,
  limits: Partial<SandboxLimits>,
): Promise<SandboxResult> {
  const { plan, workspace, trusted } = run;
  try {
    return await task.sandbox(plan.command, {
      ...{ workspace, env: plan.env, limits, trusted, signal: task.signal },
      onLine: logLines(plan, task),
    });
  } catch (error) {
    // Another attempt on this machine would end the same way.
    if (error instanceof MeshError && error.reason === "SANDBOX_UNAVAILABLE")
      throw new TerminalError("SANDBOX_UNAVAILABLE", error.message, { cause: error });
    throw error;
  }
}

function logLines(plan: RunPlan, task: TaskContext): (line: string, stream: OutputStream) => void {
  let logged = 0;
  return (line, stream) => {
    const shown = stream === "stdout" && plan.shown ? plan.shown(line) : line;
    if (shown === undefined || logged > logLinesMax) return;
    logged += 1;
    if (logged > logLinesMax) task.log(`over ${logLinesMax} lines; the rest is not logged`, "warn");
    else task.log(shown);
  };
}

async function evidenceOf(
  { plan, workspace }: TestRun,
  result: SandboxResult,
  xmlBefore: ReadonlyMap<string, number>,
): Promise<RunEvidence> {
  const xmlAfter = plan.looksForXml ? await xmlTimes(workspace) : new Map<string, number>();
  const written = [...xmlAfter].filter(([path, time]) => xmlBefore.get(path) !== time).map(([path]) => path);
  const appeared = await Promise.all(written.map((path) => readInside(workspace, path)));
  return {
    stdout: result.stdout,
    stderr: result.stderr,
    exitCode: result.exitCode,
    report: plan.reportFile && (await readInside(workspace, plan.reportFile)),
    appeared: appeared.filter((text) => text !== undefined),
  };
}

function parsed(
  plan: RunPlan,
  title: string,
  result: SandboxResult,
  evidence: RunEvidence,
): TestCase[] | undefined {
  const ended = result.end === "exited" || result.end === "signaled";
  if (!ended) return undefined;
  if (plan.reportsOnStdout && result.outputTruncated)
    throw unreadable(
      title,
      `its output is over ${reportingOutputBytes} bytes; run fewer tests at once with \`command\``,
    );
  try {
    return plan.parse(evidence);
  } catch (error) {
    throw unreadable(title, error);
  }
}
