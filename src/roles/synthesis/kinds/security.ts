/** The security role's report. */
import { type Finding, severities } from "../../security/finding.ts";
import { SecurityReport } from "../../security/report.ts";
import { counted, listed } from "../../security/text.ts";
import { blocks, bullets, code, prose, table } from "../markdown.ts";
import type { Verdict } from "../report.ts";
import type { SectionKind } from "../section.ts";

/** The report says again in SARIF what its findings say; a workflow may leave that out. */
const Report = SecurityReport.omit({ sarif: true });
type Report = Omit<SecurityReport, "sarif">;

/** Findings shown, worst first. */
const shownMax = 50;

export const security: SectionKind = {
  name: "security",
  read(output) {
    const parsed = Report.safeParse(output);
    if (!parsed.success) return undefined;
    const report = parsed.data;
    const total = severities.reduce((sum, severity) => sum + report.counts[severity], 0);
    const shown = report.findings.slice(0, shownMax);
    return {
      verdict: verdictOf(report),
      headline: headlineOf(report),
      durationMs: report.durationMs,
      body: blocks([
        shown.length === 0
          ? "No findings."
          : table(["Severity", "Place", "Finding", "Rule"], shown.map(rowOf)),
        total > shown.length ? `And ${counted(total - shown.length, "more finding")}.` : "",
        shown.length === 0 ? "" : `How to mend them:\n\n${bullets(adviceOn(shown))}`,
        dependenciesOf(report),
      ]),
      notLookedAt: notLookedAt(report),
      details: {
        counts: report.counts,
        findings: shown.map(({ severity, file, line, rule }) => ({ severity, file, line, rule })),
        packages: report.dependencies.packages,
        files: report.scanned.files,
      },
    };
  },
};

function verdictOf({ counts, truncated, scanned }: Report): Verdict {
  if (counts.critical > 0 || counts.high > 0) return "fail";
  return counts.medium > 0 || truncated.files || scanned.files === 0 ? "attention" : "pass";
}

function headlineOf({ counts, scanned }: Report): string {
  const present = severities.filter((severity) => counts[severity] > 0);
  const total = present.reduce((sum, severity) => sum + counts[severity], 0);
  if (scanned.files === 0) return "no files to look at";
  if (total === 0) return `no findings in ${counted(scanned.files, "file")}`;
  return `${present.map((severity) => `${counts[severity]} ${severity}`).join(", ")} ${total === 1 ? "finding" : "findings"}`;
}

function rowOf(finding: Finding): string[] {
  return [
    finding.severity,
    code(`${finding.file}:${finding.line}`),
    prose(finding.message),
    code(finding.rule),
  ];
}

/** Once for all rules that share it. */
function adviceOn(findings: readonly Finding[]): string[] {
  const rulesByAdvice = Map.groupBy(
    new Map(findings.map((finding) => [finding.rule, finding])).values(),
    (each) => each.advice,
  );
  return [...rulesByAdvice].map(
    ([advice, those]) => `${those.map((each) => code(each.rule)).join(", ")}: ${prose(advice)}`,
  );
}

function dependenciesOf({ dependencies }: Report): string {
  if (dependencies.manifests === 0 && dependencies.lockfiles.length === 0) return "";
  if (dependencies.lockfiles.length === 0)
    return `Dependencies: ${counted(dependencies.manifests, "package.json", "package.json files")} and no lockfile that could be read.`;
  const files = listed(dependencies.lockfiles.map((lockfile) => code(lockfile.file)));
  const { packages, direct, transitive, development } = dependencies;
  const known = dependencies.lockfiles.every((lockfile) => lockfile.development !== null);
  const forDevelopment = known ? `, ${development} for development alone` : "";
  return `Dependencies: ${counted(packages, "package")} in ${files}: ${direct} direct, ${transitive} transitive${forDevelopment}.`;
}

function notLookedAt(report: Report): string[] {
  const { skipped, notScanned, truncated, dependencies } = report;
  const unparsed = skipped.examples.filter((example) => example.reason === "cannot be parsed");
  const reasons = Object.entries(skipped.byReason)
    .filter(([reason]) => reason !== "cannot be parsed")
    .map(([reason, count]) => `${count} ${reason}`);
  return [
    ...(truncated.files ? ["files beyond the scan's limit"] : []),
    ...(notScanned.length > 0
      ? [
          `no scanner for ${listed(
            notScanned.map(({ kind, files }) => `${prose(kind)} (${counted(files, "file")})`),
            10,
          )}`,
        ]
      : []),
    ...unparsed.map(({ file, detail }) => `${code(file)} cannot be parsed: ${prose(detail ?? "")}`),
    ...(reasons.length > 0 ? [`files and directories skipped: ${reasons.join(", ")}`] : []),
    `known vulnerabilities of dependencies (${prose(dependencies.vulnerabilities)})`,
    "the repository's history",
  ];
}
