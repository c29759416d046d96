import { expect, test } from "vitest";
import { summaryLine } from "../../scripts/test-summary.ts";

const report = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };

test("passes and failures are counted, skips named where there are any", () => {
  expect(summaryLine(report, true)).toBe("5 passed, 0 failed");
  expect(summaryLine({ ...report, numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 }, false)).toBe(
    "5 passed, 2 failed, 2 skipped",
  );
});

test("a file that fails before its first test is a failure", () => {
  const testResults = [
    { status: "failed", assertionResults: [] },
    { status: "failed", assertionResults: [{}] },
  ];
  expect(summaryLine({ ...report, numFailedTests: 1, testResults }, false)).toBe("5 passed, 2 failed");
});

test("a failed run never says 0 failed", () => {
  expect(summaryLine(report, false)).toBe("5 passed, 1 failed");
  expect(summaryLine(undefined, false)).toBe("0 passed, 1 failed");
});
