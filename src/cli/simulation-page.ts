/** A simulation as a page of its own, with a picture for each role and policy. Pure. */
import type { SimulationPoint } from "../scaling/simulate/role-run.ts";
import { costOf, type PolicyResult, type SimulationGoal, verdictsOf } from "./simulation-table.ts";
import { shownDuration } from "./terminal-text.ts";

const width = 760;
const height = 180;

interface Curve {
  readonly name: string;
  readonly color: string;
  readonly of: (point: SimulationPoint) => number;
}

const curves: readonly Curve[] = [
  { name: "backlog, tasks", color: "#cf222e", of: ({ backlog }) => backlog },
  { name: "running, tasks", color: "#8250df", of: ({ running }) => running },
  { name: "replicas that take tasks", color: "#1a7f37", of: ({ ready }) => ready },
  { name: "replicas asked for", color: "#0969da", of: ({ replicas }) => replicas },
];

export function simulationPage(
  title: string,
  results: readonly PolicyResult[],
  goal: SimulationGoal,
): string {
  const roles = [...new Set(results.flatMap(({ roles: all }) => all.map(({ role }) => role)))];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 820px; padding: 0 1rem; color: #1f2328; }
  table { border-collapse: collapse; width: 100%; } th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #d1d9e0; }
  th:first-child, td:first-child { text-align: left; } svg { width: 100%; height: auto; } .kept { color: #1a7f37; } .missed { color: #cf222e; }
  .legend span { margin-right: 1.2rem; } .legend i { display: inline-block; width: 1.2em; height: 3px; vertical-align: middle; margin-right: .4em; }
</style>
<h1>${escaped(title)}</h1>
${roles.map((role) => section(role, results, goal)).join("\n")}
</html>
`;
}

function section(role: string, results: readonly PolicyResult[], goal: SimulationGoal): string {
  const own = results.flatMap(({ name, roles }) =>
    roles.filter((one) => one.role === role).map((result) => ({ name, result })),
  );
  const rows = own.map(({ name, result }) => {
    const { waits } = result;
    const cells = [
      escaped(name),
      result.arrived.toLocaleString("en"),
      ...[50, 95, 99].map((percent) => shownDuration(waits.percentileMs(percent))),
      `${result.utilizationPercent.toFixed(1)} %`,
      String(result.replicasMost),
      result.replicaHours.toFixed(1),
      String(result.changes),
    ];
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  const heads = [
    "policy",
    "tasks",
    "wait p50",
    "p95",
    "p99",
    "busy",
    "most replicas",
    "replica-hours",
    "changes",
  ];
  return `<h2>${escaped(role)}</h2>
<table><tr>${heads.map((head) => `<th>${head}</th>`).join("")}</tr>${rows.join("")}</table>
${own
  .map(
    ({ name, result }) => `<h3>${escaped(name)}</h3>
<p>${escaped(costOf(result, goal) ?? "")}</p>
${verdictsOf(result, goal)
  .map(
    ({ says, isKept }) =>
      `<p class="${isKept ? "kept" : "missed"}">${isKept ? "✓" : "✗"} ${escaped(says)}</p>`,
  )
  .join("")}
${picture(result.series)}`,
  )
  .join("\n")}`;
}

/** Tasks by the scale on the left, replicas by that on the right. */
function picture(series: readonly SimulationPoint[]): string {
  const end = series.at(-1)?.atMs ?? 1;
  const tasksMost = Math.max(1, ...series.flatMap(({ backlog, running }) => [backlog, running]));
  const replicasMost = Math.max(1, ...series.flatMap(({ replicas, ready }) => [replicas, ready]));
  const lines = curves.map(({ color, of }, place) => {
    const most = place < 2 ? tasksMost : replicasMost;
    const points = series.map((point) => `${x(point.atMs, end)},${y(of(point), most)}`);
    return `<polyline fill="none" stroke="${color}" stroke-width="1.5" points="${points.join(" ")}"/>`;
  });
  const hours = Array.from({ length: 7 }, (_, place) => {
    const at = (end * place) / 6;
    const anchor = place === 0 ? "start" : place === 6 ? "end" : "middle";
    return `<text x="${x(at, end)}" y="${height + 16}" text-anchor="${anchor}">${shownDuration(at)}</text>`;
  });
  return `<svg viewBox="0 -14 ${width} ${height + 36}" font-family="system-ui, sans-serif" font-size="12" fill="#57606a" role="img" aria-label="backlog and replicas over time">
<rect width="${width}" height="${height}" fill="#f6f8fa"/>
<text y="-3">${tasksMost} tasks</text><text x="${width}" y="-3" text-anchor="end">${replicasMost} replicas</text>
${lines.join("\n")}
${hours.join("")}
</svg>
<p class="legend">${curves.map(({ name, color }) => `<span><i style="background:${color}"></i>${name}</span>`).join("")}</p>`;
}

function x(ms: number, end: number): string {
  return ((ms / end) * width).toFixed(1);
}

function y(value: number, most: number): string {
  return (height - (value / most) * (height - 4)).toFixed(1);
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
