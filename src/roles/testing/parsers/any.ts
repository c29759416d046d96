/** Reads the report of a command that we know nothing of; pure. */
import type { TestCase } from "../report.ts";
import type { RunEvidence } from "../runners/runner.ts";
import { failureFrom } from "./failure.ts";
import { parseJunit } from "./junit.ts";
import { looksLikeTap, parseTap } from "./tap.ts";

/** JUnit XML that the command wrote, else TAP on stdout, else the command as one test by its exit status. */
export function parseAny(evidence: RunEvidence): TestCase[] {
  const files = evidence.report === undefined ? evidence.appeared : [evidence.report, ...evidence.appeared];
  const reports = files.filter((text) => /<testsuites?[\s>]/.test(text.slice(0, 4_096)));
  if (reports.length > 0) return reports.flatMap(parseJunit);
  if (looksLikeTap(evidence.stdout)) return parseTap(evidence.stdout);
  return [byExitStatus(evidence)];
}

function byExitStatus({ exitCode, stdout, stderr }: RunEvidence): TestCase {
  const status = exitCode === 0 ? "passed" : "failed";
  const how = exitCode === undefined ? "was ended by a signal" : `exited with ${exitCode}`;
  const tail = `${stdout}\n${stderr}`.trim().split("\n").slice(-40).join("\n");
  const failure = status === "failed" ? failureFrom(`the command ${how}`, tail) : undefined;
  return { name: "the command", status, durationMs: 0, failure };
}
