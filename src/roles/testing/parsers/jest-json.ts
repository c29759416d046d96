/** The JSON report of jest, which vitest writes too; pure. */
import { z } from "zod";
import type { TestCase } from "../report.ts";
import { failureFrom } from "./failure.ts";

const Assertion = z.object({
  ancestorTitles: z.array(z.string()).default([]),
  title: z.string(),
  status: z.string(),
  duration: z.number().nullish(),
  failureMessages: z.array(z.string()).nullish(),
});

const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().nullish(),
      assertionResults: z.array(Assertion),
    }),
  ),
});

const statuses: Readonly<Record<string, TestCase["status"]>> = { passed: "passed", failed: "failed" };

/** The tests of every file; a file that could not be loaded is a failed test of its name. Throws on other JSON. */
export function parseJestJson(json: string): TestCase[] {
  return Report.parse(JSON.parse(json)).testResults.flatMap((file) => {
    const tests = file.assertionResults.map((assertion) => caseOf(assertion, file.name));
    const failed = tests.some((test) => test.status === "failed");
    if (file.status !== "failed" || failed) return tests;
    const failure = failureFrom(
      undefined,
      file.message?.replace(/^\s*● Test suite failed to run\s*/, ""),
      file.name,
    );
    return [
      ...tests,
      { name: file.name, file: file.name, status: "failed" as const, durationMs: 0, failure },
    ];
  });
}

function caseOf(assertion: z.infer<typeof Assertion>, file: string): TestCase {
  const status = statuses[assertion.status] ?? "skipped";
  return {
    name: assertion.title,
    suite: assertion.ancestorTitles.join(" > ") || undefined,
    file,
    status,
    durationMs: assertion.duration ?? 0,
    failure:
      status === "failed" ? failureFrom(undefined, assertion.failureMessages?.join("\n"), file) : undefined,
  };
}
