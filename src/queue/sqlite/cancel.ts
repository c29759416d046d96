/** What people do to tasks: end one wherever it is, and begin an ended one again. */
import type { Cancel, CancelOutcome, Retry, RetryOutcome } from "../store.ts";
import { isFinal } from "../task.ts";
import { lookAgain, moveBy } from "./dependencies.ts";
import { taskById } from "./read.ts";
import { putPayload, type TaskRow } from "./row.ts";
import { end } from "./transition.ts";
import type { Tx } from "./tx.ts";

export function cancel(tx: Tx, cancels: readonly Cancel[]): CancelOutcome[] {
  return cancels.map(({ taskId, reason }) => {
    const row = taskById(tx, taskId);
    if (row === undefined) return { changed: false, state: "MISSING" };
    if (isFinal(row.state)) return { changed: false, state: row.state };
    if (row.state === "RUNNING") tx.effects.revoked(row.queue, { taskId, fence: row.fence });
    return { changed: true, state: end(tx, row, "CANCELED", { fence: row.fence + 1 }, reason).state };
  });
}

export function retry(tx: Tx, retries: readonly Retry[]): RetryOutcome[] {
  return retries.map(({ taskId, spec }) => {
    const row = taskById(tx, taskId);
    if (row === undefined) return { changed: false, state: "MISSING" };
    if (row.state !== "FAILED" && row.state !== "CANCELED") return { changed: false, state: row.state };
    if (spec !== undefined) putPayload(tx.sql, row, "spec", spec);
    return { changed: true, state: beginAgain(tx, row).state };
  });
}

function beginAgain(tx: Tx, row: TaskRow): TaskRow {
  const generation = row.generation + 1;
  const fresh = {
    generation,
    attempt: 0,
    fence: row.fence + 1,
    error: null,
    finished_ms: null,
    run_at_ms: null,
  };
  return moveBy(tx, row, lookAgain(tx, row), fresh, "retried");
}
