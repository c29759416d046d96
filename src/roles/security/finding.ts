/** One finding of a scan, how findings are ordered, and how many of them a report holds. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { ruleFor } from "./rules.ts";
import { oneLine } from "./text.ts";

/** Worst first; the order of reports. */
export const severities = ["critical", "high", "medium", "low", "info"] as const;
export const Severity = z.enum(severities);
export type Severity = z.infer<typeof Severity>;

export const scannerNames = ["secrets", "code", "dependencies"] as const;
export type ScannerName = (typeof scannerNames)[number];

export const Finding = z.object({
  /** The same fault at the same place has the same id in the next scan. */
  id: z.string(),
  scanner: z.enum(scannerNames),
  /** Relative to the repository, with forward slashes. */
  file: z.string(),
  /** From 1. */
  line: z.int().min(1),
  /** From 1, in UTF-16 code units. */
  column: z.int().min(1),
  /** A key of the table in rules.ts, such as `code/no-eval`. */
  rule: z.string(),
  severity: Severity,
  /** What is wrong here, in one line; never holds a secret's text. */
  message: z.string(),
  /** How to mend it. */
  advice: z.string(),
});
export type Finding = z.infer<typeof Finding>;

/** What a scanner says of one place; the table of rules adds the rest. */
export interface RawFinding {
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** Where this place is less grave, or graver, than its rule. */
  readonly severity?: Severity;
}

export function toFinding(scanner: ScannerName, raw: RawFinding): Finding {
  const rule = ruleFor(raw.rule);
  const place = [raw.rule, raw.file, raw.line, raw.column].join("\0");
  return {
    id: createHash("sha256").update(place).digest("hex").slice(0, 16),
    scanner,
    file: raw.file,
    line: raw.line,
    column: raw.column,
    rule: raw.rule,
    severity: raw.severity ?? rule.severity,
    message: oneLine(raw.message, 300),
    advice: rule.advice,
  };
}

function compare(a: Finding, b: Finding): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    compareText(a.file, b.file) ||
    a.line - b.line ||
    a.column - b.column ||
    compareText(a.rule, b.rule)
  );
}

/** By code unit, so that a report's order does not hang on the machine's locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface FindingLimits {
  readonly findingsMax: number;
  /** Bytes of JSON for all findings together: paths may be long. */
  readonly bytesMax: number;
}

/** The worst findings first, each place and rule once, within the limits; `omitted` counts those left out. */
export function rank(
  findings: readonly Finding[],
  limits: FindingLimits,
): { kept: Finding[]; counts: Record<Severity, number>; omitted: number } {
  const distinct = [...new Map(findings.map((finding) => [finding.id, finding])).values()].sort(compare);
  const counts = { critical: 0, high: 0, medium: 0, low: 0, info: 0 };
  for (const finding of distinct) counts[finding.severity] += 1;
  let bytes = 0;
  let count = 0;
  for (const finding of distinct.slice(0, limits.findingsMax)) {
    bytes += Buffer.byteLength(JSON.stringify(finding));
    if (bytes > limits.bytesMax) break;
    count += 1;
  }
  return { kept: distinct.slice(0, count), counts, omitted: distinct.length - count };
}
