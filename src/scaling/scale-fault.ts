/** What a role's settings of scale may hold. Pure. */
import type { ScaleSettings } from "./decide.ts";

/** Of replicas, and of tasks that one carries: as the files of keda/ are bounded. */
const most = 100_000;

/** The first field at fault and what it must be. */
export function scaleFault({ min, max, tasksPerReplica, targetWait }: ScaleSettings): string | undefined {
  const must = (field: string, value: unknown, wanted: string) =>
    `scale.${field} is ${String(value)}; it must be ${wanted}`;
  const whole = (value: number, least: number) => Number.isInteger(value) && value >= least && value <= most;
  if (!whole(min, 0)) return must("min", min, `a whole number from 0 to ${most}`);
  const least = Math.max(1, min);
  if (!whole(max, least)) return must("max", max, `a whole number from ${least} to ${most}`);
  if (!(tasksPerReplica >= 1 && tasksPerReplica <= most))
    return must("tasksPerReplica", tasksPerReplica, `from 1 to ${most}`);
  if (targetWait === undefined) return undefined;
  const { seconds, percent } = targetWait;
  if (!(seconds >= 0.1 && seconds <= 86_400)) return must("targetWait.seconds", seconds, "from 0.1 to 86400");
  if (!(percent >= 1 && percent <= 99.99)) return must("targetWait.percent", percent, "from 1 to 99.99");
  return undefined;
}
