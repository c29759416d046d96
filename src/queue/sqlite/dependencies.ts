/** Who waits for whom: a parent's end frees or fails its children, in the transaction in which it ended. */
import type { Parent } from "../store.ts";
import {
  changeReasons,
  type DependencyCondition,
  dependencyVerdict,
  isFinal,
  parentFailed,
} from "../task.ts";
import { own } from "./move-out.ts";
import { taskById } from "./read.ts";
import type { TaskRow } from "./row.ts";
import { fail, move, openUp } from "./transition.ts";
import type { Ended, Tx } from "./tx.ts";

/** What a child's parents, as they are now, mean to it. */
export interface Wait {
  /** Parents that have not ended. */
  readonly pending: number;
  /** A parent whose end fails the child. */
  readonly failedBy?: Ended | { readonly id: string; readonly state: "MISSING" };
  readonly conditions: readonly {
    readonly parent_id: string;
    readonly condition: string;
    readonly met: 0 | 1;
  }[];
}

export function lookAt(tx: Tx, parents: readonly Pick<Parent, "taskId" | "condition">[]): Wait {
  const pending = new Set<string>();
  let failedBy: Wait["failedBy"];
  const conditions = parents.map(({ taskId: id, condition }) => {
    const parent = taskById(tx, id);
    const state = parent?.state ?? "MISSING";
    const open = state !== "MISSING" && !isFinal(state);
    // The children of a task in a chunk would not be told of its end.
    if (open && parent !== undefined) own(tx, parent);
    const met = !open && dependencyVerdict(condition, state) === "met";
    if (open) pending.add(id);
    else if (!met) failedBy ??= { id, state };
    return { parent_id: id, condition, met: met ? (1 as const) : (0 as const) };
  });
  return { pending: pending.size, failedBy, conditions };
}

/** The parents that met no condition yet, looked at again: for a new generation. */
export function lookAgain(tx: Tx, child: TaskRow): Wait {
  const unmet = tx.sql.all<{ parent_id: string; condition: DependencyCondition }>("unmetParents", {
    child: child.seq,
  });
  return lookAt(
    tx,
    unmet.map(({ parent_id, condition }) => ({ taskId: parent_id, condition })),
  );
}

/** Keeps what was seen, so that the ends still to come find the child. */
export function keep(tx: Tx, child: number, wait: Wait): void {
  for (const condition of wait.conditions) tx.sql.run("putDependency", { child, ...condition });
}

/** Moves a task by what its parents mean to it: BLOCKED, FAILED, or open. */
export function moveBy(tx: Tx, from: TaskRow, wait: Wait, changes: Partial<TaskRow>, reason = ""): TaskRow {
  keep(tx, from.seq, wait);
  const waiting = { ...changes, parents_pending: wait.pending, lease_expires_ms: null };
  if (wait.failedBy === undefined && wait.pending === 0) return openUp(tx, from, waiting, null, reason);
  const blocked = move(tx, from, { ...waiting, state: "BLOCKED" }, reason);
  return wait.failedBy === undefined
    ? blocked
    : fail(tx, blocked, parentFailed(wait.failedBy.id, wait.failedBy.state));
}

/** Tells the children of every task that ended, and theirs, until none is left to tell. */
export function settleEnded(tx: Tx): void {
  for (let next = tx.ended.shift(); next !== undefined; next = tx.ended.shift()) settle(tx, next);
}

function settle(tx: Tx, parent: Ended): void {
  const children = tx.sql.all<{ child: number; condition: DependencyCondition }>("unmetChildren", {
    parent_id: parent.id,
  });
  for (const { child, condition } of children) {
    const verdict = dependencyVerdict(condition, parent.state);
    if (verdict === "met") tx.sql.run("meetDependency", { child, parent_id: parent.id });
    const row = tx.sql.one<TaskRow>("taskBySeq", { seq: child });
    if (row?.state !== "BLOCKED") continue;
    const parents_pending = row.parents_pending - 1;
    if (verdict === "failed") fail(tx, row, parentFailed(parent.id, parent.state), { parents_pending });
    else if (parents_pending === 0)
      openUp(tx, row, { parents_pending }, row.run_at_ms, changeReasons.parentsEnded);
    else tx.sql.run("updatePending", { seq: child, parents_pending });
  }
}
