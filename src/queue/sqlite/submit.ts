/** Takes tasks in: answers repeats, refuses what cannot be, and puts the rest where it belongs. */
import { hasTimeouts } from "../alike.ts";
import { laneName } from "../lane.ts";
import { type NamedTask, named } from "../named.ts";
import type { NewTask, SubmitOutcome } from "../store.ts";
import { openState, parentFailed } from "../task.ts";
import { keep, lookAt, type Wait } from "./dependencies.ts";
import { Intake, isPlain } from "./intake.ts";
import { writeChange } from "./log.ts";
import { taskById } from "./read.ts";
import { putPayload, type TaskRow } from "./row.ts";
import { count, fail, startByMs } from "./transition.ts";
import type { Tx } from "./tx.ts";

export function submit(tx: Tx, tasks: readonly NewTask[]): SubmitOutcome[] {
  const intake = new Intake(tx);
  const outcomes = tasks.map((task) => {
    const { queue } = task;
    if (isPlain(task))
      return fullness(tx, queue) ?? ({ status: "created", id: intake.add(task), state: "QUEUED" } as const);
    intake.closeLane(task);
    return submitOne(tx, named(task, tx.nowMs));
  });
  intake.close();
  return outcomes;
}

/** The answer to a task that a queue has no room for. */
function fullness(tx: Tx, queue: string): SubmitOutcome | undefined {
  const { queueTasksMax: tasksMax } = tx.limits;
  return tx.queues.unfinished(queue) >= tasksMax ? { status: "full", tasksMax } : undefined;
}

function submitOne(tx: Tx, task: NamedTask): SubmitOutcome {
  const { id } = task;
  const known = taskById(tx, id);
  if (known !== undefined)
    return known.fingerprint === task.fingerprint
      ? { status: "existing", id, state: known.state }
      : { status: "conflict", id };
  const lost = task.parents.find((parent) => taskById(tx, parent.taskId) === undefined);
  if (lost !== undefined) return { status: "unknownParent", parentId: lost.taskId };
  return fullness(tx, task.queue) ?? { status: "created", id, state: create(tx, task).state };
}

function create(tx: Tx, task: NamedTask): TaskRow {
  const wait = lookAt(tx, task.parents);
  const row = newRow(tx, task, wait);
  tx.sql.run("insertTask", row);
  keep(tx, row.seq, wait);
  putPayload(tx.sql, row, "spec", task.spec);
  count(tx, row, undefined);
  writeChange(tx, row, "");
  return wait.failedBy === undefined
    ? row
    : fail(tx, row, parentFailed(wait.failedBy.id, wait.failedBy.state));
}

function newRow(tx: Tx, task: NamedTask, wait: Wait): TaskRow {
  const runAtMs = task.runAtMs ?? (task.delayMs === undefined ? undefined : tx.nowMs + task.delayMs);
  const waits = wait.pending > 0 || wait.failedBy !== undefined;
  const state = waits ? "BLOCKED" : openState(runAtMs, tx.nowMs);
  const queued = state === "QUEUED";
  const timeouts = hasTimeouts(task.timeouts) ? JSON.stringify(task.timeouts) : null;
  return {
    seq: tx.queues.nextSeq(task.queue),
    id: task.id,
    queue: task.queue,
    tenant: task.tenant,
    priority: task.priority,
    state,
    attempt: 0,
    fence: tx.queues.fenceFloor(task.queue),
    generation: 1,
    fingerprint: task.fingerprint,
    retry: JSON.stringify(task.retry),
    timeouts,
    lane: laneName(task),
    parents: JSON.stringify(task.parents),
    parents_pending: wait.pending,
    workflow_id: task.workflowId,
    labels: JSON.stringify(task.labels),
    created_ms: tx.nowMs,
    queued_ms: queued ? tx.nowMs : null,
    start_by_ms: queued ? startByMs({ timeouts }, tx.nowMs) : null,
    started_ms: null,
    finished_ms: null,
    run_at_ms: queued ? null : (runAtMs ?? null),
    lease_expires_ms: null,
    lease_ms: null,
    sign_ms: null,
    worker_id: null,
    error: null,
    tokens: 0,
    usd: 0,
    place: queued ? tx.queues.placesBehind(task.queue, 1) : 0,
    last_sequence: 1,
  };
}
