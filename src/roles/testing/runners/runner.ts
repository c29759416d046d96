/**
 * The contract of a test runner: does this repository use it, with which command, and how its report is read. A runner is
 * one file, pure, and one line in `detect.ts`.
 */
import type { TestCase } from "../report.ts";

export interface PackageJson {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly jest?: unknown;
}

/** What detection knows of a repository. */
export interface RepositoryFacts {
  /** The private copy's path, where the command will run. */
  readonly workspace: string;
  /** Relative paths of its files, without installed packages and build results. */
  readonly files: readonly string[];
  /** Relative paths among those that runners ask for that exist, such as ".venv/bin/python". */
  readonly installed: readonly string[];
  readonly packageJson: PackageJson | undefined;
  /** The user's own shell command; it stands in the place of the `test` script. */
  readonly command?: string;
}

/** What a run left behind. */
export interface RunEvidence {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
  /** The content of the plan's report file, where there is one. */
  readonly report: string | undefined;
  /** The contents of XML files that the run wrote, where the plan asked for them. */
  readonly appeared: readonly string[];
}

export interface RunPlan {
  readonly runner: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Relative to the workspace: the report that the command writes. */
  readonly reportFile?: string;
  /** True: XML files that the run writes anywhere are read as well. */
  readonly looksForXml?: boolean;
  /** True: the report is the output itself, so a cut output is no report. */
  readonly reportsOnStdout?: boolean;
  /** The tests; undefined when the run left no report. Throws when it cannot be read. */
  readonly parse: (evidence: RunEvidence) => TestCase[] | undefined;
  /** A line of stdout as a person would want it; undefined drops it. Default: as it is. */
  readonly shown?: (line: string) => string | undefined;
}

export interface Runner {
  readonly name: string;
  /** What it looks for, for the message that nothing was found. */
  readonly looksFor: string;
  readonly plan: (facts: RepositoryFacts) => RunPlan | undefined;
}

/** Reads the plan's report file with one parser. */
export function fromReport(parse: (text: string) => TestCase[]): RunPlan["parse"] {
  return (evidence) => (evidence.report === undefined ? undefined : parse(evidence.report));
}

export const reportFiles = { json: ".agentmesh-report.json", xml: ".agentmesh-report.xml" } as const;
