/** What a role's settings of scale may hold. Pure. */
import type { ScaleSettings } from "./decide.ts";

/** Of replicas, and of tasks that one carries: as the files of keda/ are bounded. */
export const replicasMost = 100_000;
/** Of a goal for the wait, as a trigger may name it too. */
export const targetWaitBounds = Object.freeze({
  seconds: { min: 0.1, max: 86_400 },
  percent: { min: 1, max: 99.99 },
});

/** The first field at fault and what it must be. */
export function scaleFault({ min, max, tasksPerReplica, targetWait }: ScaleSettings): string | undefined {
  const must = (field: string, value: unknown, wanted: string) =>
    `scale.${field} is ${String(value)}; it must be ${wanted}`;
  const whole = (value: number, least: number) =>
    Number.isInteger(value) && value >= least && value <= replicasMost;
  if (!whole(min, 0)) return must("min", min, `a whole number from 0 to ${replicasMost}`);
  const least = Math.max(1, min);
  if (!whole(max, least)) return must("max", max, `a whole number from ${least} to ${replicasMost}`);
  if (!(tasksPerReplica >= 1 && tasksPerReplica <= replicasMost))
    return must("tasksPerReplica", tasksPerReplica, `from 1 to ${replicasMost}`);
  if (targetWait === undefined) return undefined;
  for (const field of ["seconds", "percent"] as const) {
    const { min: least, max: most } = targetWaitBounds[field];
    const value = targetWait[field];
    if (!(value >= least && value <= most))
      return must(`targetWait.${field}`, value, `from ${least} to ${most}`);
  }
  return undefined;
}
