/** From the outputs of a workflow's nodes to one report. Pure: the same input gives the same report. */
import { basename } from "node:path";
import { counted, oneLine } from "../security/text.ts";
import { sectionKinds } from "./kinds/index.ts";
import { blocks, bullets, code, duration, prose, table } from "./markdown.ts";
import { type SynthesisInput, type SynthesisReport, type Verdict, verdicts } from "./report.ts";
import type { Section } from "./section.ts";

/** Characters of Markdown in all bodies together; sections beyond stay in the table and in the data. */
const bodiesMax = 300_000;

interface Part extends Section {
  readonly name: string;
  readonly kind: string;
}

export function synthesize({ title, repository, sections }: SynthesisInput): SynthesisReport {
  // By verdict and name: the order of keys does not survive every transport.
  const parts = Object.entries(sections)
    .map(([name, output]) => readPart(name, output))
    .sort((a, b) => verdicts.indexOf(a.verdict) - verdicts.indexOf(b.verdict) || (a.name < b.name ? -1 : 1));
  const verdict = parts[0]?.verdict ?? "attention";
  const summary = summarize(verdict, parts);
  const counts = { fail: 0, attention: 0, pass: 0 };
  for (const part of parts) counts[part.verdict] += 1;
  return {
    verdict,
    summary,
    markdown: render(title ?? defaultTitle(repository), repository, verdict, summary, parts),
    data: {
      ...(repository === undefined ? {} : { repository }),
      counts,
      sections: Object.fromEntries(
        parts.map(({ name, kind, verdict, headline, durationMs, details }) => [
          name,
          { kind, verdict, headline, ...(durationMs === undefined ? {} : { durationMs }), details },
        ]),
      ),
    },
  };
}

function readPart(name: string, output: unknown): Part {
  for (const kind of sectionKinds) {
    const section = kind.read(output);
    if (section) return { name, kind: kind.name, ...section };
  }
  throw new Error("the last kind of section takes anything");
}

function defaultTitle(repository: string | undefined): string {
  return repository ? `Report on ${basename(repository)}` : "Report";
}

const openings: Readonly<Record<Verdict, string>> = {
  fail: "This fails",
  attention: "This needs attention",
  pass: "All is well",
};

/** What decided the verdict in one sentence, the rest in another. */
function summarize(verdict: Verdict, parts: readonly Part[]): string {
  if (parts.length === 0) return "This needs attention: there is nothing to report on.";
  const decisive = parts.filter((part) => part.verdict === verdict);
  const rest = parts.slice(decisive.length);
  const first = `${openings[verdict]}: ${headlines(decisive)}.`;
  return rest.length === 0 ? first : `${first} Besides: ${headlines(rest)}.`;
}

function headlines(parts: readonly Part[], shown = 4): string {
  const more = parts.length - shown;
  const some = parts
    .slice(0, shown)
    .map((part) => `${part.headline.replace(/[.!?;:]$/, "")} (${oneLine(part.name, 60)})`);
  return some.join("; ") + (more > 0 ? `; and ${counted(more, "more section")}` : "");
}

function render(
  title: string,
  repository: string | undefined,
  verdict: Verdict,
  summary: string,
  parts: readonly Part[],
): string {
  const rows = parts.map((part) => [
    prose(part.name, 100),
    part.verdict,
    prose(part.headline),
    part.durationMs === undefined ? "" : duration(part.durationMs),
  ]);
  const missing = parts.flatMap((part) =>
    part.notLookedAt.map((line) => `${prose(part.name, 100)}: ${line}`),
  );
  return `${blocks([
    `# ${prose(title, 200)}`,
    `**Verdict: ${verdict}.** ${prose(summary, 2_000)}`,
    repository ? `Repository: ${code(repository, 500)}` : "",
    parts.length === 0 ? "" : table(["Section", "Verdict", "In short", "Took"], rows),
    ...bodiesOf(parts),
    missing.length === 0 ? "" : `## Not looked at\n\n${bullets(missing)}`,
  ])}\n`;
}

function bodiesOf(parts: readonly Part[]): string[] {
  const bodies: string[] = [];
  let characters = 0;
  let omitted = 0;
  for (const part of parts) {
    if (part.body === "") continue;
    characters += part.body.length;
    if (characters > bodiesMax) omitted += 1;
    else bodies.push(`## ${prose(part.name, 100)}: ${part.verdict}\n\n${part.body}`);
  }
  return omitted === 0 ? bodies : [...bodies, `${counted(omitted, "more section")} would not fit in here.`];
}
