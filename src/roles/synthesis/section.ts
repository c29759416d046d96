/** The contract of a kind of section: recognises an output by its shape and says what it means. */
import type { Verdict } from "./report.ts";

export interface Section {
  readonly verdict: Verdict;
  /** Half a sentence of plain text for summaries, such as "2 of 14 tests failed". */
  readonly headline: string;
  readonly durationMs?: number;
  /** Markdown below the section's heading; "" where the headline says all. */
  readonly body: string;
  /** What was not looked at, a line of Markdown each. */
  readonly notLookedAt: readonly string[];
  /** Condensed, for programs. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface SectionKind {
  readonly name: string;
  /** Undefined where the output is of another kind. Pure. */
  read(output: unknown): Section | undefined;
}
