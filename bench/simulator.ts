/**
 * The simulator: events a second, and a day of a fleet.
 *
 *   make bench NAME=simulator ARGS="--rounds 5 --roles 10 --perSecond 1000 --hours 24"
 */

import { hpaRulesDefault } from "../src/scaling/hpa.ts";
import type { ScaledObjectSpec } from "../src/scaling/keda.ts";
import { type SimulationOptions, simulate } from "../src/scaling/simulate/simulate.ts";
import { options } from "./support/options.ts";
import { print, printHead, progress } from "./support/report.ts";
import { withRange } from "./support/statistics.ts";
import { table, thousands } from "./support/table.ts";

const { rounds, roles, perSecond, hours } = options({ rounds: 5, roles: 10, perSecond: 1_000, hours: 24 });
const spec: ScaledObjectSpec = {
  ...{ minReplicas: 2, maxReplicas: 5_000, pollingMs: 15_000, cooldownMs: 300_000, initialCooldownMs: 0 },
  fallback: undefined,
  behavior: hpaRulesDefault,
  isPushed: true,
};
const settings = { min: 2, max: 5_000, tasksPerReplica: 4 };

function plan(count: number, rate: number, forHours: number, seed: number): SimulationOptions {
  return {
    roles: Array.from({ length: count }, (_, place) => ({ role: `role-${place}`, spec, settings, slots: 4 })),
    arrivals: { pattern: "diurnal", perSecond: rate },
    durationMs: forHours * 3_600_000,
    service: { meanMs: 5_000, shape: "exponential" },
    startMs: 30_000,
    seed,
  };
}

function timed(options: SimulationOptions) {
  const begun = performance.now();
  const results = simulate(options);
  const seconds = (performance.now() - begun) / 1_000;
  const sum = (of: (one: (typeof results)[number]) => number) =>
    results.reduce((total, one) => total + of(one), 0);
  return { seconds, tasks: sum(({ arrived }) => arrived), events: sum(({ events }) => events), results };
}

printHead("The simulator", {});
print(`One thread; a day's wave, tasks of 5 s, starts of 30 s.\n`);
progress("rounds of one role");
timed(plan(1, 100, 1, 0));
const rates = Array.from({ length: rounds }, (_, round) => {
  const { events, seconds } = timed(plan(1, 100, 24, round));
  return events / seconds;
});
progress(`${hours} h of ${roles} roles`);
const day = timed(plan(roles, perSecond / roles, hours, 1));
print(
  table(
    ["", ">"],
    [
      [
        `events a second, median of ${rounds} rounds`,
        withRange(rates, (rate) => `${(rate / 1e6).toFixed(1)} M`),
      ],
      [
        `${hours} h of ${roles} roles, ${thousands(perSecond)} tasks a second in all`,
        `${day.seconds.toFixed(1)} s`,
      ],
      ["tasks in it", `${(day.tasks / 1e6).toFixed(1)} M`],
      [
        "replicas at most, all roles",
        String(day.results.reduce((sum, { replicasMost }) => sum + replicasMost, 0)),
      ],
    ],
  ),
);
