/** A run's report as people read it. */
import type { ChaosReport } from "./run.ts";

/** Nothing was found, and every process did what it should. */
export function isSound({ verdicts, surprises }: ChaosReport): boolean {
  return surprises.length === 0 && verdicts.every(({ count }) => count === 0);
}

export function reportText(report: ChaosReport): string {
  const { seed, verdicts, surprises, faults, facts, skipped, directory } = report;
  const wrong = verdicts.filter(({ count }) => count > 0);
  const lines = [
    ...table("verdict", Object.fromEntries(verdicts.map(({ name, count }) => [name, count]))),
    "",
    ...table("fault", Object.fromEntries(Object.entries(faults).sort())),
    "",
    ...table("seen", facts),
    "",
    ...skipped,
    ...surprises.map((what) => `surprise: ${what}`),
    ...wrong.flatMap(({ name, examples }) => examples.map((example) => `${name}: ${example}`)),
    isSound(report)
      ? `sound (seed ${seed})`
      : `NOT sound (seed ${seed}); histories and logs are in ${directory}`,
  ];
  return `${lines.join("\n")}\n`;
}

function table(title: string, rows: Readonly<Record<string, number>>): string[] {
  const body = Object.entries(rows).map(([name, count]) => `| ${name} | ${count} |`);
  return [`| ${title} | count |`, "|---|---|", ...body];
}
