/** Counts tests and cuts them to what fits a task's output of 1 MiB, were every name and failure as long as it may be; pure. */
import type { TestCase, TestReport } from "./report.ts";

export interface ReportCaps {
  /** Tests listed; default 1,000. */
  readonly testsMax: number;
  /** Failures with details; the others keep the first words of their message. Default 50. */
  readonly detailedMax: number;
  readonly messageCharactersMax: number;
  readonly detailsCharactersMax: number;
  /** Of the message of a failure without details. */
  readonly briefCharactersMax: number;
  readonly nameCharactersMax: number;
}

export const defaultCaps: ReportCaps = Object.freeze({
  testsMax: 1_000,
  detailedMax: 50,
  messageCharactersMax: 1_000,
  detailsCharactersMax: 4_000,
  briefCharactersMax: 120,
  nameCharactersMax: 200,
});

const order = { failed: 0, skipped: 1, passed: 2 } as const;

/**
 * The tests of a report. Paths below `workspace`, the private copy, become relative: the copy is gone when somebody reads.
 */
export function summarize(
  tests: readonly TestCase[],
  workspace: string,
  caps: ReportCaps = defaultCaps,
): Pick<TestReport, "counts" | "tests" | "truncated"> {
  const counts = { passed: 0, failed: 0, skipped: 0, total: tests.length };
  for (const test of tests) counts[test.status] += 1;
  const listed = tests.toSorted((a, b) => order[a.status] - order[b.status]).slice(0, caps.testsMax);
  let cutFailures = 0;
  const shown = listed.map((test, index) => {
    const cut = cutTest(withoutPrefix(test, workspace), caps, index < caps.detailedMax);
    if (cut.wasCut) cutFailures += 1;
    return cut.test;
  });
  return { counts, tests: shown, truncated: { tests: tests.length - listed.length, failures: cutFailures } };
}

function cutTest(test: TestCase, caps: ReportCaps, detailed: boolean): { test: TestCase; wasCut: boolean } {
  const named = { ...test, name: cut(test.name, caps.nameCharactersMax) };
  if (test.suite !== undefined) named.suite = cut(test.suite, caps.nameCharactersMax);
  if (!test.failure) return { test: named, wasCut: false };
  const message = cut(test.failure.message, detailed ? caps.messageCharactersMax : caps.briefCharactersMax);
  const details = detailed
    ? cut(test.failure.details ?? "", caps.detailsCharactersMax) || undefined
    : undefined;
  const wasCut = message !== test.failure.message || (details ?? "") !== (test.failure.details ?? "");
  return { test: { ...named, failure: { ...test.failure, message, details } }, wasCut };
}

function cut(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}…`;
}

function withoutPrefix(test: TestCase, workspace: string): TestCase {
  const strip = (text: string | undefined): string | undefined =>
    text?.replaceAll(`file://${workspace}/`, "").replaceAll(`${workspace}/`, "").replaceAll(workspace, ".");
  const { failure } = test;
  return {
    ...test,
    name: strip(test.name)!,
    file: strip(test.file),
    failure: failure && {
      ...failure,
      message: strip(failure.message)!,
      details: strip(failure.details),
      file: strip(failure.file),
    },
  };
}
