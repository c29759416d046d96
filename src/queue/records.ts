/** What a store keeps and hands out: tasks, and the entries of their logs. */
import type { DependencyCondition, RetryPolicy, TaskFailure, TaskState, Timeouts } from "./task.ts";

export interface Parent {
  readonly taskId: string;
  /** How templates name it; empty: not at all. */
  readonly name: string;
  readonly condition: DependencyCondition;
}

export interface TaskUsageCount {
  readonly tokens: number;
  readonly usd: number;
}

/** A task to take in, checked and with its defaults filled. */
export interface NewTask {
  /** `QUEUE.UNIQUE`; the same id for the same idempotency key. Absent: the store makes one, and answers with it. */
  readonly id?: string;
  readonly queue: string;
  readonly tenant: string;
  /** 0–9, 9 first. */
  readonly priority: number;
  /** Hash of the request when it has an idempotency key; empty: the id is new. */
  readonly fingerprint: string;
  /** Not before this time, or this long after now by the store's clock; at most one. */
  readonly runAtMs?: number;
  readonly delayMs?: number;
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
  /** Tasks with one key share the caps and rates of their queue's policy; empty: none. No control characters. */
  readonly concurrencyKey: string;
  /** What a worker must have to be given the task. No control characters, and no "=" in a name. */
  readonly workerLabels: Readonly<Record<string, string>>;
  readonly parents: readonly Parent[];
  /** Empty: no workflow. */
  readonly workflowId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The encoded TaskSpec, input included. */
  readonly spec: Uint8Array;
}

/** A task as the store has it. */
export interface TaskRecord {
  readonly id: string;
  readonly queue: string;
  readonly tenant: string;
  readonly priority: number;
  readonly state: TaskState;
  /** Attempts begun and not given back. */
  readonly attempt: number;
  /** Grows with each lease, cancel and retry; never shrinks. */
  readonly fence: number;
  readonly generation: number;
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
  readonly concurrencyKey: string;
  readonly workerLabels: Readonly<Record<string, string>>;
  readonly parents: readonly Parent[];
  /** Parents that have not ended yet. */
  readonly parentsPending: number;
  readonly workflowId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdMs: number;
  readonly queuedMs?: number;
  readonly startedMs?: number;
  readonly finishedMs?: number;
  /** SCHEDULED: when it is due. */
  readonly runAtMs?: number;
  /** RUNNING: when the lease ends; its timeouts may end it before the time that was asked for. */
  readonly leaseExpiresMs?: number;
  /** The worker of the last lease. */
  readonly workerId?: string;
  readonly spec: Uint8Array;
  readonly output?: Uint8Array;
  readonly error?: TaskFailure;
  /** Encoded Progress, the newest. */
  readonly progress?: Uint8Array;
  readonly usage: TaskUsageCount;
  /** What the last Suspended left. */
  readonly resumeState?: Uint8Array;
  readonly lastSequence: number;
}

export interface FencedTask {
  readonly taskId: string;
  readonly fence: number;
}

/** One entry for a task's log. */
export interface LogBody {
  /** The encoded LogEntry, without sequence and time. */
  readonly bytes: Uint8Array;
  /** Set when the entry is a progress: the encoded Progress, kept on the task too. */
  readonly progress?: Uint8Array;
}

/** A stored entry: a change of state, written by the store, or a body that a worker sent. */
export interface LogRecord {
  readonly sequence: number;
  readonly timeMs: number;
  readonly change?: {
    readonly state: TaskState;
    /** The task's, after the change. */
    readonly attempt: number;
    /** What the caller gave, or the failure's message; may be empty. */
    readonly reason: string;
    /** RUNNING: who holds the lease; else empty. */
    readonly workerId: string;
  };
  readonly body?: Uint8Array;
}
