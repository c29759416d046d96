/** Findings as SARIF 2.1.0, the format that code hosts and editors take. Pure. */
import { z } from "zod";
import type { Finding, Severity } from "./finding.ts";
import { ruleFor } from "./rules.ts";

const Text = z.object({ text: z.string().min(1) });
const Level = z.enum(["error", "warning", "note"]);
/** `security-severity` is a CVSS-like number as text: GitHub sorts alerts by it. */
const SecuritySeverity = z.object({ "security-severity": z.string().regex(/^\d+\.\d$/) });

/** The part of SARIF that is written here. */
export const SarifLog = z.strictObject({
  $schema: z.literal("https://json.schemastore.org/sarif-2.1.0.json"),
  version: z.literal("2.1.0"),
  runs: z.tuple([
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string(),
          rules: z.array(
            z.strictObject({
              id: z.string(),
              shortDescription: Text,
              help: Text,
              defaultConfiguration: z.strictObject({ level: Level }),
              properties: SecuritySeverity.extend({ tags: z.array(z.string()) }),
            }),
          ),
        }),
      }),
      columnKind: z.literal("utf16CodeUnits"),
      results: z.array(
        z.strictObject({
          ruleId: z.string(),
          ruleIndex: z.int().min(0),
          level: Level,
          message: Text,
          locations: z.tuple([
            z.strictObject({
              physicalLocation: z.strictObject({
                artifactLocation: z.strictObject({ uri: z.string(), uriBaseId: z.literal("%SRCROOT%") }),
                region: z.strictObject({ startLine: z.int().min(1), startColumn: z.int().min(1) }),
              }),
            }),
          ]),
          partialFingerprints: z.record(z.string(), z.string()),
          properties: SecuritySeverity,
        }),
      ),
    }),
  ]),
});
export type SarifLog = z.infer<typeof SarifLog>;

const levels = { critical: "error", high: "error", medium: "warning", low: "note", info: "note" } as const;

/** In the middle of GitHub's bands: critical over 9.0, high from 7.0, medium from 4.0, low below. */
const numbers: Readonly<Record<Severity, string>> = {
  critical: "9.5",
  high: "8.0",
  medium: "5.5",
  low: "2.0",
  info: "0.0",
};

export function toSarif(findings: readonly Finding[]): SarifLog {
  const ruleIds = [...new Set(findings.map((finding) => finding.rule))].sort();
  const ruleIndex = new Map(ruleIds.map((id, index) => [id, index]));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "agentmesh-security", rules: ruleIds.map(describeRule) } },
        columnKind: "utf16CodeUnits",
        results: findings.map((finding) => ({
          ruleId: finding.rule,
          ruleIndex: ruleIndex.get(finding.rule)!,
          level: levels[finding.severity],
          message: { text: finding.message || ruleFor(finding.rule).title },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: relativeUri(finding.file), uriBaseId: "%SRCROOT%" },
                region: { startLine: finding.line, startColumn: finding.column },
              },
            },
          ],
          partialFingerprints: { "agentmesh/v1": finding.id },
          properties: { "security-severity": numbers[finding.severity] },
        })),
      },
    ],
  };
}

function describeRule(id: string) {
  const rule = ruleFor(id);
  return {
    id,
    shortDescription: { text: rule.title },
    help: { text: rule.advice },
    defaultConfiguration: { level: levels[rule.severity] },
    properties: { "security-severity": numbers[rule.severity], tags: ["security"] },
  };
}

/** A path as a relative URI reference; file names may hold characters that a URI may not. */
function relativeUri(path: string): string {
  return path.toWellFormed().split("/").map(encodeURIComponent).join("/");
}
