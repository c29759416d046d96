/** What a role's settings of scale may hold. Pure. */
import type { ScaleSettings } from "./decide.ts";

/** The first field at fault and what it must be. */
export function scaleFault({ min, max, tasksPerReplica, targetWait }: ScaleSettings): string | undefined {
  const must = (field: string, value: unknown, wanted: string) =>
    `scale.${field} is ${String(value)}; it must be ${wanted}`;
  if (!Number.isSafeInteger(min) || min < 0) return must("min", min, "a whole number from 0");
  if (!Number.isSafeInteger(max) || max < Math.max(1, min))
    return must("max", max, `a whole number from ${Math.max(1, min)}`);
  if (!(tasksPerReplica >= 1 && tasksPerReplica < Number.POSITIVE_INFINITY))
    return must("tasksPerReplica", tasksPerReplica, "1 or more");
  if (targetWait === undefined) return undefined;
  const { seconds, percent } = targetWait;
  if (!(seconds >= 0.1 && seconds <= 86_400)) return must("targetWait.seconds", seconds, "from 0.1 to 86400");
  if (!(percent >= 1 && percent <= 99.99)) return must("targetWait.percent", percent, "from 1 to 99.99");
  return undefined;
}
