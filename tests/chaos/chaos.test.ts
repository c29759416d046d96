/** The short form of `make chaos`: every kind of fault once, over a mesh of real processes. */
import { expect, test } from "vitest";
import { reportText } from "./report.ts";
import { type ChaosReport, runChaos } from "./run.ts";

const soon = { timeout: 180_000 };

test(
  "under kills, freezes, cuts, black holes and restarts nothing is lost, done twice or left",
  soon,
  async () => {
    const told: string[] = [];
    const report = await runChaos({
      seed: 6,
      ms: 9_000,
      everyMs: 750,
      outageMsMax: 1_500,
      tasks: 3_000,
      batch: 50,
      tasksASecond: 350,
      servers: 2,
      workers: 3,
      submitters: 2,
      drainMs: 120_000,
      log: (line) => told.push(line),
    });
    const text = `${told.join("\n")}\n${reportText(report)}`;
    const wrong = report.verdicts.filter(({ count }) => count > 0);
    expect(wrong, text).toEqual([]);
    expect(report.surprises, text).toEqual([]);
    expect(report.facts.tasks).toBe(3_000);
    expectFaultsToHaveMet(report, text);
  },
);

/** A run in which nothing was lost on the way would show nothing. */
function expectFaultsToHaveMet({ faults, facts }: ChaosReport, text: string): void {
  const kinds = Object.keys(faults);
  for (const kind of [
    "kill submitter",
    "kill worker",
    "kill server",
    "kill redis",
    "drain server",
    "freeze worker",
    "freeze redis",
  ])
    expect(kinds, text).toContain(kind);
  const repeated =
    (facts["submits repeated: the task existed"] ?? 0) + (facts["submits repeated: it did not"] ?? 0);
  expect(repeated, text).toBeGreaterThan(0);
  // More than the two attempts of each flaky task and the three of each doomed one would come to without faults.
  expect(facts["attempts lost with their lease"], text).toBeGreaterThan(0);
}
