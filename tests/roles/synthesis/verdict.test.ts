import { expect, test } from "vitest";
import { synthesize } from "../../../src/roles/synthesis/synthesize.ts";
import { failed, passed, securityReport, skipped, testReport } from "./reports.ts";

const error = (kind: string) => ({ error: { kind, message: "it did not work." } });

test.each([
  ["all tests pass", testReport([passed, passed]), "pass", "all of 2 tests passed"],
  ["some are skipped", testReport([passed, skipped]), "pass", "1 of 2 tests passed, 1 skipped"],
  ["a test fails", testReport([passed, failed]), "fail", "1 of 2 tests failed"],
  ["no tests", testReport([]), "attention", "no tests were found"],
  ["all skipped", testReport([skipped]), "attention", "none of 1 test ran: the suite skips all"],
  [
    "the command fails, no test does",
    testReport([passed], { ok: false, exitCode: 3 }),
    "fail",
    "the test command ended with exit code 3, though no test failed",
  ],
  [
    "the command is killed",
    testReport([], { ok: false, exitCode: null }),
    "fail",
    "the test command ended with a signal, though no test failed",
  ],
  ["no findings", securityReport([]), "pass", "no findings in 12 files"],
  ["low and info findings", securityReport(["low", "info"]), "pass", "1 low, 1 info findings"],
  ["a medium finding", securityReport(["medium", "low"]), "attention", "1 medium, 1 low findings"],
  ["a high finding", securityReport(["high"]), "fail", "1 high finding"],
  ["a critical finding", securityReport(["critical"]), "fail", "1 critical finding"],
  [
    "too many files",
    securityReport([], { truncated: { findings: 0, files: true } }),
    "attention",
    "no findings in 12 files",
  ],
  ["no files", securityReport([], { scanned: { files: 0, bytes: 0 } }), "attention", "no files to look at"],
  ["a node failed", error("ROLE_ERROR"), "fail", "did not finish: it did not work."],
  ["nothing to test", error("NO_TEST_RUNNER"), "attention", "did not finish: it did not work."],
  ["an unknown output", { words: 3 }, "pass", "finished, with the output shown below"],
  ["no output", null, "pass", "no output"],
] as const)("%s", (_, output, verdict, headline) => {
  const report = synthesize({ sections: { node: output } });
  expect(report.verdict).toBe(verdict);
  expect(report.data.sections.node).toMatchObject({ verdict, headline });
});

test("the worst section decides", () => {
  const sections = { a: testReport([passed]), b: securityReport(["medium"]), c: error("LATE") };
  expect(synthesize({ sections }).verdict).toBe("fail");
  expect(synthesize({ sections: { a: sections.a, b: sections.b } }).verdict).toBe("attention");
  expect(synthesize({ sections: { a: sections.a } }).verdict).toBe("pass");
  expect(synthesize({ sections: {} }).verdict).toBe("attention");
});
