/** One scan of a repository, from its files to the report. Runs in the scanning thread. */
import { realpathSync } from "node:fs";
import { rank, toFinding } from "./finding.ts";
import { unscannedKind } from "./kinds.ts";
import { limits } from "./limits.ts";
import { type DependencyFacts, type SecurityReport, type SkippedFile, skipReasons } from "./report.ts";
import { listRepositoryFiles, type RepositoryFile } from "./repository-files.ts";
import { toSarif } from "./sarif.ts";
import { scanners } from "./scanners/index.ts";
import { counted } from "./text.ts";

export interface ScanOptions {
  readonly repository: string;
  /** Patterns as in .gitignore. */
  readonly exclude?: readonly string[];
}

/** Where a scan tells how it goes. */
export interface ScanListener {
  log(line: string): void;
  progress(fraction: number, message: string): void;
}

export async function scan(options: ScanOptions, listener: ScanListener): Promise<SecurityReport> {
  const startedAt = performance.now();
  const { files, skipped, truncated } = listRepositoryFiles(
    realpathSync(options.repository),
    options.exclude,
  );
  listener.log(
    `files: ${counted(files.length, "file")} to look at, ${skipped.length} skipped, ${since(startedAt)} ms`,
  );
  const work = scanners.map((scanner) => ({ scanner, files: files.filter((file) => scanner.reads(file)) }));
  const total = work.reduce((sum, { files }) => sum + files.length, 0);
  const allSkipped = [...skipped];
  const findings = [];
  let dependencies: DependencyFacts | undefined;
  let done = 0;
  for (const { scanner, files } of work) {
    const scannerStartedAt = performance.now();
    listener.progress(done / (total || 1), scanner.name);
    const result = await scanner.scan(files, () => {
      done += 1;
      if (done % 50 === 0) listener.progress(done / total, scanner.name);
    });
    findings.push(...result.findings.map((raw) => toFinding(scanner.name, raw)));
    allSkipped.push(...result.skipped);
    dependencies ??= result.dependencies;
    const count = counted(result.findings.length, "finding");
    listener.log(
      `${scanner.name}: ${counted(files.length, "file")}, ${count}, ${since(scannerStartedAt)} ms`,
    );
  }
  const { kept, counts, omitted } = rank(findings, {
    findingsMax: limits.findingsMax,
    bytesMax: limits.findingsBytesMax,
  });
  return {
    findings: kept,
    counts,
    dependencies: dependencies!,
    scanned: { files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0) },
    skipped: summarize(allSkipped),
    notScanned: unscanned(files),
    truncated: { findings: omitted, files: truncated },
    durationMs: since(startedAt),
    sarif: toSarif(kept),
  };
}

function since(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}

function summarize(skipped: readonly SkippedFile[]): SecurityReport["skipped"] {
  const byReason: SecurityReport["skipped"]["byReason"] = {};
  const examples: SkippedFile[] = [];
  for (const reason of skipReasons) {
    const those = skipped.filter((each) => each.reason === reason);
    if (those.length === 0) continue;
    byReason[reason] = those.length;
    examples.push(...those.slice(0, limits.examplesPerReason));
  }
  return { total: skipped.length, byReason, examples };
}

/** Most files first. */
function unscanned(files: readonly RepositoryFile[]): SecurityReport["notScanned"] {
  const kinds = new Map<string, number>();
  for (const file of files) {
    const kind = unscannedKind(file.path);
    if (kind) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return [...kinds].map(([kind, count]) => ({ kind, files: count })).sort((a, b) => b.files - a.files);
}
