/**
 * The decision: from a role's work and its settings follow the metric that KEDA sees and the replicas that it means. Pure; KEDA in
 * a cluster, worker processes on a laptop and the simulator all go by it.
 *
 *   metric   = queued + scheduled soon + running              where the role says tasksPerReplica
 *   metric   = the slots that keep the target wait            where it says targetWait
 *   replicas = metric ÷ target, rounded up, between min and max
 *
 * Work that is running counts, so a replica that works is never taken for idle.
 */
import { slotsFor, type WaitGoal } from "./erlang.ts";
import type { RoleLoad } from "./load.ts";

export interface ScaleSettings {
  /** Replicas that are always there; 0: none while there is no work. */
  readonly min: number;
  readonly max: number;
  /** Queued and running tasks that one replica should carry. */
  readonly tasksPerReplica: number;
  /** In place of that: how soon tasks should start. A replica carries `tasksPerReplica` at once then. */
  readonly targetWait?: WaitGoal;
}

export interface Decision {
  /** What KEDA is told. Above 0 where there is work. */
  readonly metric: number;
  /** Of the metric, what one replica carries. */
  readonly target: number;
  /** Whether there is work: from 0 replicas the first is started. */
  readonly active: boolean;
  /** What the metric means, within bounds; how fast it is reached is the HPA's to say. */
  readonly replicas: number;
  /** The sum behind the metric. */
  readonly terms: readonly Term[];
}

export interface Term {
  /** Such as "queued". */
  readonly name: string;
  readonly value: number;
}

export function decide(load: RoleLoad, settings: ScaleSettings): Decision {
  const { min, max, tasksPerReplica: target } = settings;
  const { queued, scheduledSoon, running } = load;
  const work = queued + scheduledSoon + running;
  const terms = termsOf(load, settings);
  const metric = terms.reduce((sum, { value }) => sum + value, 0);
  const active = work > 0;
  const wanted = Math.max(active ? 1 : 0, Math.ceil(metric / target));
  return { metric, target, active, replicas: Math.min(max, Math.max(min, wanted)), terms };
}

function termsOf(load: RoleLoad, { targetWait, max, tasksPerReplica }: ScaleSettings): Term[] {
  const { queued, scheduledSoon, running } = load;
  // What there may be at most, beyond which it does not matter how many more it would take.
  const most = Math.ceil(max * tasksPerReplica);
  // Until some task has ended nobody knows how long one takes.
  if (targetWait === undefined || load.serviceMs === undefined)
    return [
      { name: "queued", value: queued },
      { name: "scheduled soon", value: scheduledSoon },
      { name: "running", value: running },
    ];
  return [{ name: "slots for the target wait", value: slotsForWait(load, load.serviceMs, targetWait, most) }];
}

/** The most of: what runs now, what the arrivals need for good, and what works off those that wait now in time. */
function slotsForWait(load: RoleLoad, serviceMs: number, goal: WaitGoal, most: number): number {
  const { queued, scheduledSoon, running, arrivalPerSecond } = load;
  const steady = slotsFor((arrivalPerSecond * serviceMs) / 1_000, serviceMs, goal, most);
  return Math.max(
    running,
    steady,
    slotsForBacklog(queued + scheduledSoon, running, serviceMs, goal.seconds * 1_000),
  );
}

/**
 * Within the wait each slot comes free waitMs ÷ serviceMs times, and once more where it is free now: slots × (1 + waitMs ÷ serviceMs)
 * tasks can have begun by then, those that run now among them.
 */
function slotsForBacklog(waiting: number, running: number, serviceMs: number, waitMs: number): number {
  return waiting === 0 ? 0 : Math.ceil((waiting + running) / (1 + waitMs / serviceMs));
}
