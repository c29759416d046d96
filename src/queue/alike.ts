/** What tasks have in common that differ in their specs alone: stores keep such as one. */
import { isEmpty } from "../core/is-empty.ts";
import type { NewTask } from "./records.ts";
import type { RetryPolicy, Timeouts } from "./task.ts";

/** Whether all is the same but the id, the fingerprint, the spec, and when the task may start. */
export function areAlike(one: NewTask, other: NewTask): boolean {
  return (
    one.queue === other.queue &&
    one.tenant === other.tenant &&
    one.priority === other.priority &&
    one.concurrencyKey === other.concurrencyKey &&
    one.workflowId === other.workflowId &&
    sameRetry(one.retry, other.retry) &&
    sameTimeouts(one.timeouts, other.timeouts) &&
    sameLabels(one.workerLabels, other.workerLabels) &&
    sameLabels(one.labels, other.labels)
  );
}

export function hasTimeouts({ toStartMs, toFinishMs, heartbeatMs }: Timeouts): boolean {
  return toStartMs !== undefined || toFinishMs !== undefined || heartbeatMs !== undefined;
}

function sameTimeouts(one: Timeouts, other: Timeouts): boolean {
  return (
    one.toStartMs === other.toStartMs &&
    one.toFinishMs === other.toFinishMs &&
    one.heartbeatMs === other.heartbeatMs
  );
}

function sameRetry(one: RetryPolicy, other: RetryPolicy): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

type Labels = NewTask["labels"];

function sameLabels(one: Labels, other: Labels): boolean {
  if (one === other || (isEmpty(one) && isEmpty(other))) return true;
  return JSON.stringify(one) === JSON.stringify(other);
}
