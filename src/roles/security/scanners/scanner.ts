/** The contract of a scanner. */
import type { RawFinding, ScannerName } from "../finding.ts";
import type { DependencyFacts, SkippedFile } from "../report.ts";
import type { RepositoryFile } from "../repository-files.ts";

export interface Scanner {
  readonly name: ScannerName;
  /** Which of the repository's files it reads. */
  reads(file: RepositoryFile): boolean;
  /** Reads `files`, all of which `reads` took, and calls `onFile` after each. Never writes, and runs nothing of theirs. */
  scan(files: readonly RepositoryFile[], onFile: () => void): Promise<ScanResult>;
}

export interface ScanResult {
  readonly findings: readonly RawFinding[];
  readonly skipped: readonly SkippedFile[];
  /** From the dependency scanner alone. */
  readonly dependencies?: DependencyFacts;
}
