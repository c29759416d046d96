/** A review in a dozen lines; pure. */
import { z } from "zod";
import type { SectionData, SynthesisReport } from "../roles/synthesis/report.ts";
import type { Colors } from "./output.ts";
import { cutTo, plainLine, shownDuration } from "./terminal-text.ts";

const shownMax = 5;

const verdictPaints = { fail: "red", attention: "yellow", pass: "green" } as const;
const severityPaints: Readonly<Record<string, keyof Colors>> = {
  critical: "red",
  high: "red",
  medium: "yellow",
};

/** The details of the sections that this page knows; others are told by their headline alone. */
const Failing = z.object({ failing: z.array(z.object({ name: z.string(), place: z.string().optional() })) });
const Findings = z.object({
  findings: z.array(z.object({ severity: z.string(), file: z.string(), line: z.number(), rule: z.string() })),
});

export interface SummaryOptions {
  readonly colors: Colors;
  readonly columns: number;
}

export function reviewSummary(report: SynthesisReport, { colors, columns }: SummaryOptions): string {
  const { verdict, data } = report;
  const paint = colors[verdictPaints[verdict]];
  const names = Object.keys(data.sections);
  const nameColumns = Math.max(...names.map((name) => name.length));
  const sections = Object.entries(data.sections).flatMap(([name, section]) => [
    `  ${mark(section, colors)} ${colors.bold(name.padEnd(nameColumns))}  ${headline(section)}`,
    ...topOf(section, colors).map(
      (line) => `${" ".repeat(nameColumns + 6)}${line(columns - nameColumns - 7)}`,
    ),
  ]);
  return [`${colors.bold("Verdict:")} ${paint(colors.bold(verdict))}`, "", ...sections].join("\n");
}

function mark({ verdict }: SectionData, colors: Colors): string {
  return colors[verdictPaints[verdict]]({ fail: "✖", attention: "!", pass: "✔" }[verdict]);
}

function headline({ headline, durationMs }: SectionData): string {
  const took = durationMs === undefined ? "" : ` (${shownDuration(durationMs)})`;
  return `${plainLine(headline)}${took}`;
}

/** The first few of what a section found, each for a width. */
function topOf({ details }: SectionData, colors: Colors): ((columns: number) => string)[] {
  const failing = Failing.safeParse(details);
  if (failing.success)
    return capped(
      failing.data.failing.map(({ name, place }) => (columns: number) => {
        const text = `✖ ${plainLine(name)}${place ? `  ${plainLine(place)}` : ""}`;
        return colors.red(cutTo(text, columns));
      }),
      colors,
    );
  const found = Findings.safeParse(details);
  if (!found.success) return [];
  return capped(
    found.data.findings.map(({ severity, file, line, rule }) => (columns: number) => {
      const text = cutTo(`${plainLine(file)}:${line}  ${plainLine(rule)}`, columns - 10);
      const paint = colors[severityPaints[severity] ?? "dim"] as (text: string) => string;
      return `${paint(severity.padEnd(8))}  ${text}`;
    }),
    colors,
  );
}

function capped(lines: ((columns: number) => string)[], colors: Colors): ((columns: number) => string)[] {
  if (lines.length <= shownMax) return lines;
  const more = `and ${lines.length - shownMax} more`;
  return [...lines.slice(0, shownMax), () => colors.dim(more)];
}
