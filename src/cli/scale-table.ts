/** The scale of roles as people read it, no wider than 80 columns. */
import type { RoleScale } from "../../gen/grpc/agentmesh/v1/scale.ts";
import { durationToMs } from "../core/time.ts";
import { type Column, out, table } from "./output.ts";
import { count } from "./queue-table.ts";
import { shownDuration } from "./terminal-text.ts";

const columns: readonly Column<RoleScale>[] = [
  { head: "ROLE", cell: ({ role }) => role, paint: (cell) => out.bold(cell), least: 8 },
  count("QUEUED", ({ queued }) => queued),
  count("SOON", ({ scheduledSoon }) => scheduledSoon),
  count("RUNNING", ({ running }) => running),
  {
    head: "OLDEST",
    right: true,
    cell: ({ oldestWait }) => (oldestWait ? shownDuration(durationToMs(oldestWait)) : "-"),
  },
  count("WANT", ({ desired }) => desired),
  {
    head: "HAVE",
    right: true,
    cell: ({ ready, replicas }) => (ready === replicas ? String(ready) : `${ready}/${replicas}`),
    paint: (cell, { ready, desired }) => (ready < desired ? out.yellow(cell) : cell),
  },
  { head: "WHY", cell: whyOf, least: 12 },
];

/** As one text: a live view draws it again and again. */
export function scaleTable(scales: readonly RoleScale[]): string {
  return table(columns, scales);
}

/** One role: the sum behind the number. */
export function explainScale(scale: RoleScale): string {
  const { role, terms, metric, target, desired, minReplicas, maxReplicas, replicas, ready } = scale;
  const sum = terms.map(({ name, value }) => `${shown(value)} ${name}`).join(" + ");
  const unbounded = Math.ceil(metric / target);
  const bounded = unbounded === desired ? "" : `, within ${minReplicas} to ${maxReplicas}: ${desired}`;
  const lines = [
    out.bold(role),
    `  ${sum} = ${shown(metric)}`,
    `  ${shown(metric)} ÷ ${shown(target)} a replica = ${(metric / target).toFixed(2)}, rounded up: ${unbounded}${bounded}`,
    `  replicas ${replicas}, of them ${ready} take tasks${others(scale)}`,
  ];
  const { arrivalRate, serviceRate, serviceTime } = scale;
  const takes = serviceTime ? `, a task runs ${shownDuration(durationToMs(serviceTime))}` : "";
  lines.push(`  ${arrivalRate.toFixed(2)}/s come, ${serviceRate.toFixed(2)}/s end${takes}`);
  const why = whyOf(scale);
  return [...lines, ...(why === "" ? [] : [`  ${why}`])].join("\n");
}

function others({ starting, draining }: RoleScale): string {
  return [
    starting > 0 ? `, ${starting} start` : "",
    draining > 0 ? `, ${draining} more end what they run` : "",
  ].join("");
}

function whyOf({
  desired,
  replicas,
  minReplicas,
  maxReplicas,
  metric,
  target,
  heldBy,
  driver,
  draining,
}: RoleScale): string {
  if (draining > 0) return `${draining} end what they run`;
  if (heldBy !== "") return heldBy;
  if (desired !== replicas && driver === "") return "KEDA's to do; nothing scales it here";
  if (desired !== replicas) return "at the next look";
  const unbounded = Math.ceil(metric / target);
  if (unbounded > maxReplicas) return "as many as there may be";
  if (unbounded < minReplicas) return "as few as there must be";
  return "";
}

function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}
