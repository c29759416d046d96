/**
 * The long run: `make chaos`. Prints the faults as they are made, then the report; ends with 1 where it is not sound.
 */
import { parseArgs } from "node:util";
import { isSound, reportText } from "./report.ts";
import { runChaos } from "./run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    minutes: { type: "string", default: "10" },
    tasks: { type: "string", default: "240000" },
    outage: { type: "string", default: "10" },
  },
});
const seed = Number(values.seed || Math.floor(Math.random() * 2 ** 32));
const ms = Number(values.minutes || 10) * 60_000;
const tasks = Number(values.tasks || 240_000);
const outageSeconds = Number(values.outage || 10);
if (![seed, ms, tasks, outageSeconds].every((number) => Number.isFinite(number) && number >= 0))
  throw new Error("SEED, MINUTES, TASKS and OUTAGE are numbers");

// What the run has started ends with it.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));

process.stdout.write(`seed ${seed}: ${tasks} tasks, faults for ${ms / 60_000} minutes\n`);
const report = await runChaos({
  seed,
  ms,
  everyMs: 2_500,
  outageMsMax: outageSeconds * 1_000,
  tasks,
  batch: 200,
  // More than the time asks for: the faults hold some of it up.
  tasksASecond: (tasks / ms) * 1_000 * 1.3,
  servers: 2,
  workers: 4,
  submitters: 3,
  drainMs: 600_000,
  log: (line) => process.stdout.write(`${line}\n`),
});
process.stdout.write(`\n${reportText(report)}`);
process.exitCode = isSound(report) ? 0 : 1;
