/** TAP, the Test Anything Protocol, versions 12 to 14 with nested subtests; pure. */
import { Parser, type Result } from "tap-parser";
import type { TestCase } from "../report.ts";
import { failureFrom } from "./failure.ts";

/** Whether a command's output is TAP at all: a version line, or a plan together with a test point. */
export function looksLikeTap(output: string): boolean {
  return /^TAP version \d+/m.test(output) || (/^1\.\.\d+/m.test(output) && /^(not )?ok\b/m.test(output));
}

/** The test points that are no summary of subtests. */
export function parseTap(output: string): TestCase[] {
  const tests: TestCase[] = [];
  let last: TestCase | undefined;
  let extra: string[] = [];
  const finish = (): void => {
    if (last?.status === "failed" && !last.failure?.details && extra.length > 0)
      last.failure = failureFrom(undefined, extra.join(""));
    extra = [];
  };
  const events = Parser.parse(output, { flat: true }) as [string, unknown][];
  for (const [event, value] of events) {
    // Mocha writes a failure's message and stack as plain lines below the test point.
    if (event === "extra") extra.push(String(value));
    if (event !== "assert") continue;
    finish();
    last = caseOf(value as Result);
    tests.push(last);
  }
  finish();
  return tests;
}

function caseOf(result: Result): TestCase {
  const diagnosis = (result.diag ?? {}) as Record<string, unknown>;
  const names = String(result.fullname || result.name || `test ${result.id}`).split(" > ");
  const place =
    typeof diagnosis.location === "string" ? diagnosis.location.replace(/:\d+:\d+$/, "") : undefined;
  const skipped = Boolean(result.skip) || Boolean(result.todo);
  const details = [diagnosis.stack, diagnosis.diff, diagnosis.source].filter(
    (part) => typeof part === "string",
  );
  return {
    name: names.at(-1)!,
    suite: names.slice(0, -1).join(" > ") || undefined,
    file: place,
    status: skipped ? "skipped" : result.ok ? "passed" : "failed",
    durationMs: Number(diagnosis.duration_ms ?? result.time ?? 0) || 0,
    failure:
      result.ok || skipped
        ? undefined
        : failureFrom(text(diagnosis.error) ?? text(diagnosis.message), details.join("\n"), place),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
