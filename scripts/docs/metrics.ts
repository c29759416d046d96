/** Renders docs/metrics.md from what a server's registry describes. */
import { createMetrics, type MetricDescription } from "../../src/telemetry/metrics.ts";
import { generated, table } from "./markdown.ts";

function rows(descriptions: readonly MetricDescription[]): string {
  return table(
    ["metric", "kind", "meaning"],
    descriptions.map(({ name, kind, help }) => [`\`${name}\``, kind, help]),
  );
}

/** The whole page. */
export async function metricsPage(): Promise<string> {
  const ours = await createMetrics({ processMetrics: false }).describe();
  const names = new Set(ours.map(({ name }) => name));
  // Some metrics of a process exist on Linux alone; the page lists what its renderer saw there.
  const process = (await createMetrics().describe()).filter(({ name }) => !names.has(name));
  return `# Metrics

${generated("src/telemetry/metrics.ts")}

Every process answers \`GET /metrics\` on \`server.metricsPort\` in Prometheus' text format. Durations are in seconds; a queue
has the name of its role.

## The mesh

${rows(ours)}

## The process

${rows(process)}
`;
}
