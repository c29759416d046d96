/** The output of the security role. */
import { z } from "zod";
import { Finding, Severity } from "./finding.ts";
import { SarifLog } from "./sarif.ts";

export const skipReasons = [
  "ignored by .gitignore",
  "excluded by the input",
  "build or dependency directory",
  "version control",
  "binary",
  "too large",
  "symbolic link",
  "not a regular file",
  "cannot be read",
  "cannot be parsed",
  "minified",
] as const;

export const SkippedFile = z.object({
  file: z.string(),
  reason: z.enum(skipReasons),
  /** Such as the parser's own words. */
  detail: z.string().optional(),
});
export type SkippedFile = z.infer<typeof SkippedFile>;

export const LockfileFacts = z.object({
  file: z.string(),
  /** Such as "npm 3" or "pnpm 9.0". */
  format: z.string(),
  /** Packages that the lockfile installs. */
  packages: z.int(),
  /** Those that a package.json asks for by name. */
  direct: z.int(),
  transitive: z.int(),
  /** Those needed for development alone; null where this lockfile's format does not say. */
  development: z.int().nullable(),
});
export type LockfileFacts = z.infer<typeof LockfileFacts>;

export const DependencyFacts = z.object({
  /** package.json files that were read. */
  manifests: z.int(),
  lockfiles: z.array(LockfileFacts),
  /** Sums over all lockfiles. */
  packages: z.int(),
  direct: z.int(),
  transitive: z.int(),
  development: z.int(),
  /** Whether known vulnerabilities were looked up. */
  vulnerabilities: z.string(),
});
export type DependencyFacts = z.infer<typeof DependencyFacts>;

export const SecurityReport = z.object({
  /** Worst first. */
  findings: z.array(Finding),
  /** All findings by severity, those left out of `findings` included. */
  counts: z.record(Severity, z.int()),
  dependencies: DependencyFacts,
  scanned: z.object({ files: z.int(), bytes: z.int() }),
  /** Files and directories not looked at, or not by every scanner. */
  skipped: z.object({
    total: z.int(),
    byReason: z.partialRecord(z.enum(skipReasons), z.int()),
    examples: z.array(SkippedFile),
  }),
  /** Languages and lockfiles that were seen and that no scanner reads. */
  notScanned: z.array(z.object({ kind: z.string(), files: z.int() })),
  /** What is missing from this report: findings beyond the limit, and whether files were left out. */
  truncated: z.object({ findings: z.int(), files: z.boolean() }),
  durationMs: z.number(),
  /** The findings as SARIF 2.1.0, for code hosts and editors. */
  sarif: SarifLog,
});
export type SecurityReport = z.infer<typeof SecurityReport>;
