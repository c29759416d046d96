/** What a simulation found, as people read it, no wider than 80 columns. */
import type { RoleResult } from "../scaling/simulate/role-run.ts";
import { type Column, columnsOf, out, print, table } from "./output.ts";
import { sparkline } from "./sparkline.ts";
import { shownDuration } from "./terminal-text.ts";

/** What the fleet is to keep. */
export interface SimulationGoal {
  readonly withinMs: number;
  readonly percent: number;
  /** Of slots that run tasks; undefined: not asked. */
  readonly utilizationPercent: number | undefined;
  /** Of a replica for an hour; undefined: not asked. */
  readonly price: number | undefined;
}

/** One policy's results. */
export interface PolicyResult {
  readonly name: string;
  readonly roles: readonly RoleResult[];
}

const columns: readonly Column<RoleResult>[] = [
  { head: "ROLE", cell: ({ role }) => role, paint: (cell) => out.bold(cell), least: 8 },
  number("TASKS", ({ arrived }) => short(arrived)),
  number("P50", ({ waits }) => shownWait(waits.percentileMs(50))),
  number("P95", ({ waits }) => shownWait(waits.percentileMs(95))),
  number("P99", ({ waits }) => shownWait(waits.percentileMs(99))),
  number("BUSY", ({ utilizationPercent }) => `${utilizationPercent.toFixed(0)} %`),
  number("MOST", ({ replicasMost }) => String(replicasMost)),
  number("HOURS", ({ replicaHours }) => short(Math.round(replicaHours))),
  number("CHANGES", ({ changes }) => short(changes)),
];

function number(head: string, cell: (result: RoleResult) => string): Column<RoleResult> {
  return { head, cell, right: true };
}

export function showPolicy({ name, roles }: PolicyResult, goal: SimulationGoal): void {
  print(out.bold(name));
  print(table(columns, roles));
  for (const result of roles) {
    const width = columnsOf(process.stdout) - 12;
    print(out.dim(`\n${result.role}`));
    print(
      `  backlog  ${sparkline(
        result.series.map(({ backlog }) => backlog),
        width,
      )}`,
    );
    print(
      `  replicas ${sparkline(
        result.series.map(({ ready }) => ready),
        width,
      )}`,
    );
    const cost = costOf(result, goal);
    if (cost !== undefined) print(`  ${cost}`);
    for (const { says, isKept } of verdictsOf(result, goal))
      print(`  ${isKept ? out.green("✓") : out.red("✗")} ${says}`);
  }
}

export interface Verdict {
  readonly says: string;
  readonly isKept: boolean;
}

/** Whether a role keeps the goal, and by how much. */
export function verdictsOf(result: RoleResult, goal: SimulationGoal): Verdict[] {
  const { waits, utilizationPercent, ended, arrived } = result;
  const within = waits.percentWithin(goal.withinMs);
  // Tasks that still wait at the end have not begun in time, unless they came just now.
  const begun = arrived === 0 ? 100 : (within * waits.total) / arrived;
  const started = {
    says: `${begun.toFixed(1)} % of the tasks began within ${shownDuration(goal.withinMs)}; ${goal.percent} % were to`,
    isKept: begun >= goal.percent,
  };
  if (goal.utilizationPercent === undefined || ended === 0) return [started];
  const busy = {
    says: `slots were busy for ${utilizationPercent.toFixed(1)} % of the time; ${goal.utilizationPercent} % was asked`,
    isKept: utilizationPercent >= goal.utilizationPercent,
  };
  return [started, busy];
}

/** What a role's replicas cost, in words; undefined: no price was named. */
export function costOf({ replicaHours }: RoleResult, { price }: SimulationGoal): string | undefined {
  if (price === undefined) return undefined;
  return `${replicaHours.toFixed(1)} replica-hours at ${price} cost ${(replicaHours * price).toFixed(2)}`;
}

function shownWait(ms: number): string {
  return ms < 1 ? "0" : shownDuration(ms);
}

function short(count: number): string {
  if (count < 10_000) return String(count);
  return count < 10_000_000 ? `${Math.round(count / 1_000)}k` : `${Math.round(count / 1_000_000)}M`;
}
