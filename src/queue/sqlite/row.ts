/** A task's row, and the record that the contract shows of it. */

import { laneOf } from "../lane.ts";
import type { LeasedTask, Parent, TaskRecord } from "../store.ts";
import type { RetryPolicy, RunningAttempt, TaskFailure, TaskState, Timeouts } from "../task.ts";
import type { Statements } from "./statements.ts";

export interface TaskRow {
  readonly seq: number;
  readonly id: string;
  readonly queue: string;
  readonly tenant: string;
  readonly priority: number;
  readonly state: TaskState;
  readonly attempt: number;
  readonly fence: number;
  readonly generation: number;
  readonly fingerprint: string;
  readonly retry: string;
  /** Null: none. */
  readonly timeouts: string | null;
  /** Its lane's name, which says its concurrency key and worker labels too. */
  readonly lane: string;
  readonly parents: string;
  readonly parents_pending: number;
  readonly workflow_id: string;
  readonly labels: string;
  readonly created_ms: number;
  readonly queued_ms: number | null;
  /** QUEUED: when its timeout to start ends. */
  readonly start_by_ms: number | null;
  readonly started_ms: number | null;
  readonly finished_ms: number | null;
  readonly run_at_ms: number | null;
  readonly lease_expires_ms: number | null;
  /** What the lease was asked for. */
  readonly lease_ms: number | null;
  /** The last sign of life. */
  readonly sign_ms: number | null;
  readonly worker_id: string | null;
  readonly error: string | null;
  readonly tokens: number;
  readonly usd: number;
  readonly place: number;
  readonly last_sequence: number;
}

export type PayloadKind = "spec" | "output" | "progress" | "resume";

export function taskById(sql: Statements, id: string): TaskRow | undefined {
  return sql.one<TaskRow>("taskById", { id });
}

export function putPayload(sql: Statements, task: TaskRow, kind: PayloadKind, bytes: Uint8Array): void {
  sql.run("putPayload", { task: task.seq, kind, bytes });
}

export function retryPolicy(row: TaskRow): RetryPolicy {
  return JSON.parse(row.retry) as RetryPolicy;
}

const noTimeouts: Timeouts = Object.freeze({});
const noLabels = Object.freeze({});

export function timeoutsOf({ timeouts }: Pick<TaskRow, "timeouts">): Timeouts {
  return timeouts === null ? noTimeouts : (JSON.parse(timeouts) as Timeouts);
}

export function attemptOf(row: Pick<TaskRow, "timeouts" | "started_ms" | "sign_ms">): RunningAttempt {
  return { timeouts: timeoutsOf(row), startedMs: row.started_ms ?? 0, signMs: row.sign_ms ?? 0 };
}

/** What its lane says of a task; a plain one's name is a digit. */
export function laneFacts(lane: string): Pick<TaskRecord, "concurrencyKey" | "workerLabels"> {
  if (lane.length === 1) return { concurrencyKey: "", workerLabels: noLabels };
  const { concurrencyKey, workerLabels } = laneOf(lane);
  return { concurrencyKey, workerLabels };
}

export function recordOf(sql: Statements, row: TaskRow): TaskRecord {
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

export function leasedOf(sql: Statements, row: TaskRow, leaseMs: number): LeasedTask {
  return { ...recordOf(sql, row), leaseMs };
}
