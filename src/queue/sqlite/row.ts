/** A task's row, and what its columns say. */
import { laneOf } from "../lane.ts";
import type { TaskRecord } from "../store.ts";
import type { RetryPolicy, RunningAttempt, TaskState, Timeouts } from "../task.ts";
import type { Seat } from "./chunk.ts";
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
  /** Where a plain task is that has no row: this one only shows it. */
  readonly seat?: Seat;
}

export type PayloadKind = "spec" | "output" | "progress" | "resume";

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
