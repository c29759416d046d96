/** The last line of a test run, from Vitest's JSON report. */

export interface JsonReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/**
 * A file that failed before its first test counts as one failure, and so does a run that failed without any (an unhandled
 * error, no report): the line never says "0 failed" of a failed run.
 */
export function summaryLine(report: JsonReport | undefined, succeeded: boolean): string {
  if (!report) return `0 passed, ${succeeded ? 0 : 1} failed`;
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  ).length;
  const counted = report.numFailedTests + brokenFiles;
  const failed = counted === 0 && !succeeded ? 1 : counted;
  const skipped = report.numPendingTests + report.numTodoTests;
  return `${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
