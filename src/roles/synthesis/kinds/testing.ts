/** The testing role's report. */
import { stripVTControlCharacters } from "node:util";
import { counted, oneLine } from "../../security/text.ts";
import { type TestCase, TestReport } from "../../testing/report.ts";
import { blocks, code, fenced, prose, table } from "../markdown.ts";
import type { Verdict } from "../report.ts";
import type { SectionKind } from "../section.ts";

/** Failing tests shown; whoever has more begins with these. */
const shownMax = 50;
/** Failing tests shown with their stack or diff, and characters of each. */
const detailedMax = 5;
const detailsMax = 1_500;

export const testing: SectionKind = {
  name: "testing",
  read(output) {
    const parsed = TestReport.safeParse(output);
    if (!parsed.success) return undefined;
    const report = parsed.data;
    const failing = report.tests.filter((test) => test.status === "failed");
    const shown = failing.slice(0, shownMax);
    const hidden = report.counts.failed - shown.length;
    return {
      verdict: verdictOf(report),
      headline: headlineOf(report),
      durationMs: report.durationMs,
      body: blocks([
        openingOf(report),
        shown.length === 0 ? "" : table(["Failing test", "Place", "Message"], shown.map(rowOf)),
        hidden > 0 ? `And ${counted(hidden, "more failing test")}.` : "",
        ...failing.slice(0, detailedMax).map(detailsOf),
      ]),
      notLookedAt:
        report.counts.skipped > 0 ? [`${counted(report.counts.skipped, "test")} that the suite skips`] : [],
      details: {
        counts: report.counts,
        failing: shown.map((test) => ({ name: nameOf(test), place: placeOf(test) })),
      },
    };
  },
};

function verdictOf({ counts, ok }: TestReport): Verdict {
  if (counts.failed > 0 || !ok) return "fail";
  return counts.passed > 0 ? "pass" : "attention";
}

function headlineOf({ counts, ok, exitCode }: TestReport): string {
  const total = counted(counts.total, "test");
  if (counts.failed > 0) return `${counts.failed} of ${total} failed`;
  if (!ok)
    return `the test command ended with ${exitCode === null ? "a signal" : `exit code ${exitCode}`}, though no test failed`;
  if (counts.total === 0) return "no tests were found";
  if (counts.passed === 0) return `none of ${total} ran: the suite skips all`;
  return counts.skipped === 0
    ? `all of ${total} passed`
    : `${counts.passed} of ${total} passed, ${counts.skipped} skipped`;
}

function openingOf({ counts, runner, command, containment }: TestReport): string {
  const { passed, failed, skipped } = counts;
  const walls = containment === "none" ? ", without containment" : "";
  return `${counted(counts.total, "test")}: ${passed} passed, ${failed} failed, ${skipped} skipped. Run by ${prose(runner, 60)} as ${code(command)}${walls}.`;
}

function nameOf({ suite, name }: TestCase): string {
  return oneLine(suite ? `${suite} > ${name}` : name, 200);
}

function placeOf({ file, failure }: TestCase): string {
  const path = failure?.file ?? file ?? "";
  return path && failure?.line ? `${path}:${failure.line}` : path;
}

function rowOf(test: TestCase): string[] {
  return [prose(nameOf(test)), code(placeOf(test)), prose(test.failure?.message ?? "")];
}

function detailsOf(test: TestCase): string {
  const details = test.failure?.details?.trim();
  if (!details) return "";
  const cut = details.length > detailsMax ? `${details.slice(0, detailsMax)}\n…` : details;
  return `${prose(nameOf(test))}:\n\n${fenced(stripVTControlCharacters(cut).toWellFormed(), "text")}`;
}
