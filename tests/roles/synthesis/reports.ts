/** Outputs of other roles, as tests give them to the synthesis. */
import { type severities, toFinding } from "../../../src/roles/security/finding.ts";
import type { SecurityReport } from "../../../src/roles/security/report.ts";
import { toSarif } from "../../../src/roles/security/sarif.ts";
import type { TestCase, TestReport } from "../../../src/roles/testing/report.ts";

export function testReport(tests: readonly TestCase[], rest: Partial<TestReport> = {}): TestReport {
  const count = (status: TestCase["status"]) => tests.filter((test) => test.status === status).length;
  const counts = {
    passed: count("passed"),
    failed: count("failed"),
    skipped: count("skipped"),
    total: tests.length,
  };
  return {
    ok: counts.failed === 0,
    runner: "vitest",
    command: "npx vitest run",
    containment: "bubblewrap",
    exitCode: counts.failed === 0 ? 0 : 1,
    durationMs: 1_234,
    counts,
    tests: [...tests],
    truncated: { tests: 0, failures: 0 },
    ...rest,
  };
}

export const passed: TestCase = { name: "adds", status: "passed", durationMs: 1 };
export const skipped: TestCase = { name: "divides", status: "skipped", durationMs: 0 };
export const failed: TestCase = {
  name: "subtracts",
  suite: "math",
  file: "test/math.test.ts",
  status: "failed",
  durationMs: 2,
  failure: {
    message: "expected 1 | got 2\nsee above",
    file: "test/math.test.ts",
    line: 12,
    details: "+ 1\n- 2",
  },
};

/** A report with one finding of each severity named. */
export function securityReport(
  found: readonly (typeof severities)[number][],
  rest: Partial<SecurityReport> = {},
): SecurityReport {
  const findings = found.map((severity, index) =>
    toFinding("code", {
      rule: "code/no-eval",
      file: "src/a.ts",
      line: index + 1,
      column: 1,
      message: "eval",
      severity,
    }),
  );
  const counts = { critical: 0, high: 0, medium: 0, low: 0, info: 0 };
  for (const severity of found) counts[severity] += 1;
  return {
    findings,
    counts,
    dependencies: {
      manifests: 1,
      lockfiles: [
        { file: "package-lock.json", format: "npm 3", packages: 9, direct: 2, transitive: 7, development: 4 },
      ],
      packages: 9,
      direct: 2,
      transitive: 7,
      development: 4,
      vulnerabilities: "not checked",
    },
    scanned: { files: 12, bytes: 3_456 },
    skipped: {
      total: 2,
      byReason: { binary: 1, "cannot be parsed": 1 },
      examples: [
        { file: "logo.png", reason: "binary" },
        { file: "bad.ts", reason: "cannot be parsed", detail: "Unexpected token (1:6)" },
      ],
    },
    notScanned: [{ kind: "Python", files: 3 }],
    truncated: { findings: 0, files: false },
    durationMs: 840,
    sarif: toSarif(findings),
    ...rest,
  };
}
