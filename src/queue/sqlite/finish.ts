/** How an attempt ends, by its worker's word or by its lease's end. */
import type { Finish, FinishOutcome, FinishResult, Parent } from "../store.ts";
import { afterFailure, changeReasons, holdsLease, repeatsFinish, type TaskFailure } from "../task.ts";
import { lookAt, moveBy } from "./dependencies.ts";
import { spent } from "./log.ts";
import { taskById } from "./read.ts";
import { putPayload, retryPolicy, type TaskRow } from "./row.ts";
import { statusOf } from "./seat.ts";
import { end, fail, openUp, putBack, succeedPlain } from "./transition.ts";
import type { Tx } from "./tx.ts";

/** A larger output has a row of its own: a chunk's outputs stay until the last of its tasks is deleted. */
const plainOutputBytesMax = 16_384;

type Kind = FinishResult["kind"];
type Enders = { [K in Kind]: (tx: Tx, row: TaskRow, result: Extract<FinishResult, { kind: K }>) => TaskRow };

const enders: Enders = {
  succeeded(tx, row, { output }) {
    putPayload(tx.sql, row, "output", output);
    return end(tx, row, "SUCCEEDED", { error: null });
  },
  failed: (tx, row, { failure, retryDelayMs }) => failAttempt(tx, row, failure, retryDelayMs),
  released: (tx, row, { reason }) => putBack(tx, row, { attempt: row.attempt - 1 }, reason),
  suspended(tx, row, { parents, resumeState }) {
    putPayload(tx.sql, row, "resume", resumeState);
    const all = [...(JSON.parse(row.parents) as Parent[]), ...parents];
    const changes = { attempt: row.attempt - 1, parents: JSON.stringify(all) };
    return moveBy(tx, row, lookAt(tx, parents), changes, changeReasons.suspended);
  },
};

export function finish(tx: Tx, finishes: readonly Finish[]): FinishOutcome[] {
  return finishes.map((one) => finishPlain(tx, one) ?? finishOne(tx, one));
}

/** The end that most tasks come to; undefined: it is another's. */
function finishPlain(tx: Tx, { taskId, fence, result, usage }: Finish): FinishOutcome | undefined {
  if (result.kind !== "succeeded" || usage !== undefined) return undefined;
  if (result.output.length > plainOutputBytesMax) return undefined;
  const seat = tx.chunks.find(taskId);
  if (seat === undefined || !holdsLease(statusOf(seat), fence)) return undefined;
  seat.chunk.succeed(seat.slot, tx.nowMs, result.output);
  tx.chunks.changed(seat.chunk);
  succeedPlain(tx, seat.chunk.facts, taskId);
  return { accepted: true, repeated: false, state: "SUCCEEDED" };
}

function finishOne(tx: Tx, { taskId, fence, result, usage }: Finish): FinishOutcome {
  const row = taskById(tx, taskId);
  if (row === undefined) return { accepted: false, repeated: false, state: "MISSING" };
  if (!holdsLease(row, fence)) {
    const repeated = repeatsFinish(row, fence, result.kind);
    return { accepted: repeated, repeated, state: row.state };
  }
  const { state } = endAttempt(tx, { ...row, ...spent(row, usage) }, result);
  return { accepted: true, repeated: false, state };
}

function endAttempt<K extends Kind>(
  tx: Tx,
  row: TaskRow,
  result: Extract<FinishResult, { kind: K }>,
): TaskRow {
  return enders[result.kind as K](tx, row, result);
}

/** The next attempt, at once or later, or the end. */
export function failAttempt(tx: Tx, row: TaskRow, failure: TaskFailure, retryDelayMs?: number): TaskRow {
  const decision = afterFailure(retryPolicy(row), row.attempt, failure, tx.chance(), retryDelayMs);
  const reason = changeReasons.attemptFailed(row.attempt, failure);
  if (decision.next === "fail") return fail(tx, row, failure, {}, reason);
  return openUp(tx, row, { error: JSON.stringify(failure) }, tx.nowMs + decision.delayMs, reason);
}
