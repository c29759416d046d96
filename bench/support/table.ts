/** The benchmarks' answer: Markdown for docs/benchmarks.md. Pure. */
import type { Measured } from "./measure.ts";
import { median, withRange } from "./statistics.ts";

export interface Row {
  readonly title: string;
  /** Ours first; the ratio of each other is ours over it. */
  readonly measured: readonly Measured[];
}

/** Columns that begin with `>` are numbers and stand to the right. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const heads = columns.map((column) => column.replace(/^>/, ""));
  const rules = columns.map((column) => (column.startsWith(">") ? "---:" : "---"));
  return [heads, rules, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** One line a contender: median and range of tasks a second, CPU of each process and of all, and the ratio of medians. */
export function throughputTable(rows: readonly Row[]): string {
  const cpu = cpuColumns(rows.flatMap(({ measured }) => measured));
  const columns = ["", "contender", ">tasks/s, median (range)", ...cpu.columns, ">ratio"];
  const lines = rows.flatMap(({ title, measured }) =>
    measured.map((one, index) => {
      const ratio = index === 0 ? "" : `**${ratioOf(rate(measured[0]), rate(one))}**`;
      const rates = one.samples.map((sample) => sample.perSecond);
      return [index === 0 ? title : "", one.name, withRange(rates, thousands), ...cpu.cellsOf(one), ratio];
    }),
  );
  return table(columns, lines);
}

/** A column for each process that has part in any of the contenders, and one for all of a contender's. */
export function cpuColumns(all: readonly Measured[]) {
  const processes = [...new Set(all.flatMap((one) => Object.keys(cpuOf(one))))];
  return {
    columns: [...processes.map((name) => `>${name} µs/task`), ">all µs/task"],
    cellsOf(one: Measured): string[] {
      const cpu = cpuOf(one);
      const each = processes.map((name) => (name in cpu ? micros(cpu[name] as number) : "–"));
      return [...each, processes.length === 0 ? "–" : micros(cpuInAll(one))];
    },
  };
}

/** CPU of all of a contender's processes, µs a task: the sum of their medians. */
export function cpuInAll(one: Measured): number {
  return Object.values(cpuOf(one)).reduce((sum, value) => sum + value, 0);
}

function rate(one: Measured | undefined): number {
  return median((one?.samples ?? []).map((sample) => sample.perSecond));
}

/** The median of each process's CPU, µs a task. */
function cpuOf({ samples }: Measured): Record<string, number> {
  const names = Object.keys(samples[0]?.micros ?? {});
  return Object.fromEntries(
    names.map((name) => [name, median(samples.map((sample) => sample.micros[name] ?? Number.NaN))]),
  );
}

/** Ours over another's: two digits where it is small. */
export function ratioOf(ours: number, other: number): string {
  const ratio = ours / other;
  return ratio < 1 ? ratio.toFixed(2) : ratio.toFixed(1);
}

export function micros(value: number): string {
  return value >= 1_000 ? thousands(value) : value.toFixed(1);
}

export function thousands(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 1_000)} k`;
  return value >= 1_000 ? `${(value / 1_000).toFixed(1)} k` : value.toFixed(0);
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
