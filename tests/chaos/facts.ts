/** What shows that the faults of a run met something. Pure. */
import type { TaskState } from "../../src/queue/task.ts";
import type { Run } from "./check.ts";

/** Counts by what they count, in the order of a report. */
export function factsOf({ evidence, tasks }: Run): Record<string, number> {
  const keys = [...evidence.keys.values()];
  const worked = [...evidence.tasks.values()];
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
  const inState = (state: TaskState) => tasks.filter((task) => task.state === state).length;
  const again = keys.filter(({ tried, resolved }) => tried > 1 && resolved);
  return {
    tasks: tasks.length,
    succeeded: inState("SUCCEEDED"),
    failed: inState("FAILED"),
    canceled: inState("CANCELED"),
    "submits repeated: the task existed": again.filter(({ created }) => created === 0).length,
    "submits repeated: it did not": again.filter(({ created }) => created > 0).length,
    "leases seen by workers": sum(worked.map(({ fences }) => fences.length)),
    "leases in the tasks' logs": sum(tasks.map(({ entered }) => entered.RUNNING ?? 0)),
    "attempts lost with their lease": sum(tasks.map(({ leasesExpired }) => leasesExpired)),
    "ends refused as stale": sum(worked.map(({ refusedEnds }) => refusedEnds)),
    "events in the histories": evidence.events,
  };
}
