/** Why a run gave no report, as an error with a way out; pure. Failing tests are no fault: they are the report. */
import { TerminalError } from "../../core/errors.ts";
import type { SandboxResult } from "../../sandbox/sandbox.ts";
import type { TestCase } from "./report.ts";

/** The run as `faultOf` judges it. */
export interface FinishedRun {
  readonly title: string;
  readonly result: SandboxResult;
  readonly tests: readonly TestCase[] | undefined;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
}

const endings: Partial<Record<SandboxResult["end"], (run: FinishedRun) => TerminalError>> = {
  timeout: ({ title, timeoutMs }) =>
    new TerminalError(
      "TEST_RUN_TIMEOUT",
      `\`${title}\` did not end within ${timeoutMs} ms: raise \`timeoutMs\`, or look for a test that hangs`,
    ),
  memory: ({ title, memoryBytes }) =>
    new TerminalError(
      "TEST_RUN_MEMORY",
      `\`${title}\` used more than ${memoryBytes / 1_048_576} MiB of memory: run fewer workers or fewer tests at once with \`command\``,
    ),
  processes: ({ title }) =>
    new TerminalError(
      "TEST_RUN_PROCESSES",
      `\`${title}\` started more processes than a run may: run fewer workers at once with \`command\``,
    ),
};

/** The words by which tools say that a package is missing; the group is its name. */
const missingModule = [
  /Cannot find (?:package|module) '([^'./][^']*)'/,
  /No module named '?([\w.]+)'?/,
  /no required module provides package ([^\s;:]+)/,
  /([^\s:]+)@[^\s:]+: module lookup disabled by GOPROXY=off/,
  /(?:sh|bash): (?:line )?\d+: (\S+): (?:command )?not found/,
];

/** The error that ends the task, or undefined when the run has a report to give. */
export function faultOf(run: FinishedRun): TerminalError | undefined {
  const { result, tests, title } = run;
  const ending = endings[result.end];
  if (ending) return ending(run);
  const output = `${result.stderr}\n${result.stdout}`;
  const missing = missingModule.map((words) => words.exec(output)?.[1]).find((name) => name !== undefined);
  const noneRan = !tests?.some((test) => test.status === "passed");
  if (result.exitCode === 127 && missing === title.split(/\s/, 1)[0])
    return new TerminalError(
      "COMMAND_NOT_FOUND",
      `\`${title}\`: no such command on this machine${tail(result)}`,
    );
  if (result.exitCode !== 0 && noneRan && missing)
    return new TerminalError(
      "MISSING_DEPENDENCIES",
      `\`${title}\` needs "${missing}", which is not installed. Tests run without a network: install the repository's dependencies in it first, and name its root where they are installed there`,
    );
  if (result.exitCode === 127)
    return new TerminalError(
      "COMMAND_NOT_FOUND",
      `\`${title}\`: a command in it was not found${tail(result)}`,
    );
  if (tests && tests.length > 0) return undefined;
  if (result.exitCode === 0 || /no tests? (files? )?(found|ran|were found)/i.test(output))
    return new TerminalError(
      "NO_TESTS",
      `\`${title}\` ran and found no tests: name them with \`command\`${tail(result)}`,
    );
  const how = result.signal ? `was ended by ${result.signal}` : `exited with ${result.exitCode}`;
  return new TerminalError(
    "NO_TEST_REPORT",
    `\`${title}\` ${how} before it reported any test${tail(result)}`,
  );
}

/** The report is there and cannot be read. */
export function unreadable(title: string, cause: unknown): TerminalError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TerminalError("UNREADABLE_REPORT", `the report of \`${title}\` cannot be read: ${why}`, {
    cause,
  });
}

function tail(result: SandboxResult): string {
  const lines = `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-15).join("\n");
  return lines ? `. Its last lines:\n${lines.slice(-2_000)}` : "";
}
