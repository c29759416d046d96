/** Tasks as the contract shows them, wherever they are kept: in a row, or in a chunk. */
import type { LeasedTask, Parent, TaskRecord } from "../store.ts";
import type { TaskFailure } from "../task.ts";
import { laneFacts, type PayloadKind, retryPolicy, type TaskRow, timeoutsOf } from "./row.ts";
import { recordAt, rowAt } from "./seat.ts";
import type { Shelf } from "./tx.ts";

type Kept = Pick<Shelf, "sql" | "chunks">;

/** To look at: a plain task's row is not there to be changed (`own` in move-out.ts makes it so). */
export function taskById({ sql, chunks }: Kept, id: string): TaskRow | undefined {
  const seat = chunks.find(id);
  return seat === undefined ? sql.one<TaskRow>("taskById", { id }) : rowAt(seat);
}

export function recordOf({ sql, chunks }: Kept, row: TaskRow): TaskRecord {
  if (row.seat !== undefined) return recordAt(chunks, row.seat);
  const payloads: Partial<Record<PayloadKind, Uint8Array>> = {};
  for (const { kind, bytes } of sql.all<{ kind: PayloadKind; bytes: Uint8Array }>("payloads", {
    task: row.seq,
  }))
    payloads[kind] = bytes;
  return {
    id: row.id,
    queue: row.queue,
    tenant: row.tenant,
    priority: row.priority,
    state: row.state,
    attempt: row.attempt,
    fence: row.fence,
    generation: row.generation,
    retry: retryPolicy(row),
    timeouts: timeoutsOf(row),
    ...laneFacts(row.lane),
    parents: row.parents === "[]" ? [] : (JSON.parse(row.parents) as Parent[]),
    parentsPending: row.parents_pending,
    workflowId: row.workflow_id,
    labels: row.labels === "{}" ? {} : (JSON.parse(row.labels) as Record<string, string>),
    createdMs: row.created_ms,
    queuedMs: row.queued_ms ?? undefined,
    startedMs: row.started_ms ?? undefined,
    finishedMs: row.finished_ms ?? undefined,
    runAtMs: row.run_at_ms ?? undefined,
    leaseExpiresMs: row.lease_expires_ms ?? undefined,
    workerId: row.worker_id ?? undefined,
    spec: payloads.spec ?? new Uint8Array(0),
    output: payloads.output,
    error: row.error === null ? undefined : (JSON.parse(row.error) as TaskFailure),
    progress: payloads.progress,
    usage: { tokens: row.tokens, usd: row.usd },
    resumeState: payloads.resume,
    lastSequence: row.last_sequence,
  };
}

export function leasedOf(kept: Kept, row: TaskRow, leaseMs: number): LeasedTask {
  return { ...recordOf(kept, row), leaseMs };
}
