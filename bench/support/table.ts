/** The benchmarks' answer: Markdown for docs/benchmarks.md, with the machine and the versions that it was measured on. */
import { cpus, release, totalmem } from "node:os";
import { type Measured, median } from "./measure.ts";

export interface Row {
  readonly title: string;
  /** Ours first; the ratio is ours over the second. */
  readonly measured: readonly Measured[];
}

export function machineLine(versions: Readonly<Record<string, string>>): string {
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  const memory = Math.round(totalmem() / 2 ** 30);
  const list = Object.entries({ Node: process.version, ...versions }).map(
    ([name, version]) => `${name} ${version}`,
  );
  return `${cpus().length} cores (${model}), ${memory} GiB, Linux ${release()}; ${list.join(", ")}.`;
}

/** One line a contender: median and range of tasks a second, CPU, and the ratio of medians. */
export function markdownTable(rows: readonly Row[]): string {
  const lines = [
    "| | contender | tasks/s, median (range) | Node µs/task | Redis µs/task | ratio |",
    "| --- | --- | ---: | ---: | ---: | ---: |",
  ];
  for (const { title, measured } of rows)
    for (const [index, contender] of measured.entries()) {
      const rates = contender.samples.map((sample) => sample.perSecond);
      const peer = measured[1];
      const ratio =
        index === 0 && peer
          ? `**${(median(rates) / median(peer.samples.map((s) => s.perSecond))).toFixed(1)}**`
          : "";
      const range = `${thousands(median(rates))} (${thousands(Math.min(...rates))}–${thousands(Math.max(...rates))})`;
      const node = median(contender.samples.map((sample) => sample.nodeMicros)).toFixed(1);
      const redis = contender.samples
        .map((sample) => sample.redisMicros)
        .filter((micros) => micros !== undefined);
      lines.push(
        `| ${index === 0 ? title : ""} | ${contender.name} | ${range} | ${node} | ${redis.length > 0 ? median(redis).toFixed(1) : "–"} | ${ratio} |`,
      );
    }
  return lines.join("\n");
}

function thousands(value: number): string {
  return value >= 10_000
    ? `${Math.round(value / 1_000)} k`
    : value >= 1_000
      ? `${(value / 1_000).toFixed(1)} k`
      : value.toFixed(0);
}
