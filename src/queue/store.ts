/**
 * The contract of a store: what the queue needs of a place that keeps tasks. Every method takes a batch and answers item by
 * item, in order; a rejected promise means that the outcome of the whole batch is unknown (STORE_UNAVAILABLE) or that
 * nothing was done (STORE_FULL). `sqlite/` and `redis/` implement it and `tests/contract/store.ts` is its exact meaning.
 *
 * A store never looks into what it carries: specs, outputs, resume states and log bodies are bytes. Time is the store's
 * own clock (Redis TIME, or the embedded store's), never a caller's.
 */
import type { Pause, QueuePolicy } from "./policy.ts";
import type {
  FencedTask,
  LogBody,
  LogRecord,
  NewTask,
  Parent,
  TaskRecord,
  TaskUsageCount,
} from "./records.ts";
import type { TaskFailure, TaskState } from "./task.ts";

export type * from "./records.ts";

export type SubmitOutcome =
  | { readonly status: "created" | "existing"; readonly id: string; readonly state: TaskState }
  /** The id is taken by another request. */
  | { readonly status: "conflict"; readonly id: string }
  | { readonly status: "unknownParent"; readonly parentId: string }
  | { readonly status: "full"; readonly tasksMax: number };

/** A wish of one worker for work. */
export interface LeaseAsk {
  readonly queue: string;
  readonly workerId: string;
  /** The worker's; it is given tasks that ask for no others. */
  readonly labels: Readonly<Record<string, string>>;
  readonly max: number;
  readonly leaseMs: number;
}

/** A leased task: its record right after the lease began. */
export type LeasedTask = TaskRecord & { readonly leaseMs: number };

/** What an ask was given. */
export interface LeaseGrant {
  readonly tasks: readonly LeasedTask[];
  /** Set when a rate held tasks back: milliseconds until it lets the next one start. */
  readonly againInMs?: number;
}

export interface Renewal extends FencedTask {
  readonly leaseMs: number;
}

/** A fenced write's answer. `state` is "MISSING" when there is no such task. */
export interface FencedOutcome {
  readonly accepted: boolean;
  readonly state: TaskState | "MISSING";
}

export interface LogAppend extends FencedTask {
  readonly entries: readonly LogBody[];
  /** Added to the task's usage. */
  readonly usage?: TaskUsageCount;
}

export type FinishResult =
  | { readonly kind: "succeeded"; readonly output: Uint8Array }
  | { readonly kind: "failed"; readonly failure: TaskFailure; readonly retryDelayMs?: number }
  /** Queued again, first of its lane, as of when it was queued before; the attempt does not count. */
  | { readonly kind: "released"; readonly reason: string }
  /** BLOCKED on more parents (names must be new), or QUEUED when those have ended; the attempt does not count. */
  | { readonly kind: "suspended"; readonly parents: readonly Parent[]; readonly resumeState: Uint8Array };

export interface Finish extends FencedTask {
  readonly result: FinishResult;
  readonly usage?: TaskUsageCount;
}

/** `repeated`: the same finish was accepted before: `accepted` again, and nothing changed. */
export interface FinishOutcome extends FencedOutcome {
  readonly repeated: boolean;
}

export interface Cancel {
  readonly taskId: string;
  readonly reason: string;
}

/** `changed` is false where the task was final already or does not exist. */
export interface CancelOutcome {
  readonly changed: boolean;
  readonly state: TaskState | "MISSING";
}

/**
 * A new generation: attempt 0, no error, queued at once whatever time it was scheduled for. Parents that were met stay met;
 * the others are looked at again, so that the task waits for a parent that was retried, and fails again (PARENT_FAILED)
 * while a parent that must succeed has not.
 */
export interface Retry {
  readonly taskId: string;
  /** In place of the task's spec. */
  readonly spec?: Uint8Array;
}

/** `changed` is false unless the task was FAILED or CANCELED. */
export type RetryOutcome = CancelOutcome;

/** What is unset, or an empty list, does not filter; labels must all match. */
export interface ListQuery {
  readonly queues?: readonly string[];
  readonly states?: readonly TaskState[];
  readonly tenant?: string;
  readonly workflowId?: string;
  readonly deadLetter?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly limit: number;
  /** From the last page; opaque. */
  readonly cursor?: string;
}

export interface ListPage {
  /** Newest created first. May be short of the limit, even empty, while there is a cursor. */
  readonly tasks: readonly TaskRecord[];
  readonly cursor?: string;
}

export interface LogQuery {
  readonly taskId: string;
  /** The first sequence wanted, from 1. */
  readonly from: number;
  readonly limit: number;
}

export interface LogPage {
  readonly entries: readonly LogRecord[];
  /** The oldest sequence that is kept; what is before it was trimmed. */
  readonly firstKept: number;
  readonly lastSequence: number;
  readonly state: TaskState;
}

/** A queue's settings to change; what is undefined stays. */
export interface QueueChange {
  readonly queue: string;
  /** The role's own policy, which counts while no operator has set one. */
  readonly rolePolicy?: QueuePolicy;
  /** The operator's; null: back to the role's. */
  readonly policy?: QueuePolicy | null;
  /** Why the queue is paused: nothing more of it is leased, what runs goes on. Null: it is resumed. */
  readonly pause?: string | null;
}

/** A worker that waits for tasks, as its server last said. */
export interface Presence {
  readonly queue: string;
  readonly workerId: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What holds a queue's tasks back just now. */
export interface QueueLoad {
  readonly policy: QueuePolicy;
  readonly pause?: Pause;
  readonly running: number;
  /** Tasks of the key asked for that are RUNNING; 0 for the empty key. */
  readonly keyRunning: number;
  /** Milliseconds until the queue's rate, and the key's, let a task start; 0: now, or there is no rate. */
  readonly rateInMs: number;
  readonly keyRateInMs: number;
  /** Workers that were present lately, up to 100. */
  readonly workers: readonly Presence[];
}

/** About what it takes to start a worker: work that is due by then wants one already. */
export const soonMs = 30_000;
/** Counting is bounded, so that asking costs the same at any length of a queue. */
export const soonTasksMax = 10_000;

export interface QueueStats {
  readonly queue: string;
  readonly counts: Readonly<Record<TaskState, number>>;
  /** FAILED tasks: they failed for good and were not retried since. */
  readonly deadLetter: number;
  /** When the oldest QUEUED task became so; where there are more than 100 lanes, of those that are served first. */
  readonly oldestQueuedMs?: number;
  /** SCHEDULED tasks that are due within {@link soonMs}, counted to {@link soonTasksMax}. */
  readonly scheduledSoon: number;
  /** Tasks taken in, and tasks ended, since the queue began: they only grow. */
  readonly arrived: number;
  readonly ended: number;
  readonly policy: QueuePolicy;
  readonly pause?: Pause;
}

export interface SweepReport {
  /** Leases that had expired, by their own end or by a timeout's. */
  readonly expired: number;
  /** QUEUED tasks whose timeout to start had passed. */
  readonly notStarted: number;
  /** SCHEDULED tasks that were due. */
  readonly promoted: number;
  /** Effects between queues that were delivered. */
  readonly delivered: number;
  /** Final tasks past their retention. */
  readonly purged: number;
  /** Milliseconds until the next scheduled task or lease is due; undefined: nothing waits for a time. */
  readonly nextDueMs?: number;
}

/** What happened in the store, for whoever waits; at most once and without order: a hint, never the truth. */
export interface StoreSignal {
  readonly queue: string;
  /** Tasks may have become QUEUED. */
  readonly ready: boolean;
  /** Tasks whose log or state changed; a new one, whose id nobody knows yet, may be left out. */
  readonly changed: readonly string[];
  /** Leases that ended by another's hand: canceled or expired. */
  readonly revoked: readonly FencedTask[];
}

export interface StoreDescription {
  readonly kind: "sqlite" | "redis";
  /** Where it is, without credentials. */
  readonly address: string;
  /** What an acknowledgement means, in a sentence. */
  readonly durability: string;
  /** Set where the durability is weaker than a user would expect. */
  readonly warning?: string;
}

/** Settings that every store takes. */
export interface StoreLimits {
  readonly queueTasksMax: number;
  readonly logEntriesMax: number;
  /** Final tasks are deleted this long after their end. */
  readonly retentionMs: number;
  /** And earlier, the oldest first, when a queue has more final tasks than this. */
  readonly retentionTasksMax: number;
}

export interface QueueStore {
  describe(): Promise<StoreDescription>;
  /** Answers quickly whether the store works; rejects with STORE_UNAVAILABLE. */
  ping(): Promise<void>;
  /** Parents must exist already or stand earlier in the batch. */
  submit(tasks: readonly NewTask[]): Promise<readonly SubmitOutcome[]>;
  /** For each ask, in order, what the lanes (lane.ts) and the queue's policy (policy.ts) let it have. */
  lease(asks: readonly LeaseAsk[]): Promise<readonly LeaseGrant[]>;
  /**
   * The lease then ends `leaseMs` from now, or at the attempt's timeout. An expired lease that nobody has taken back can still
   * be renewed, but for one that a timeout ended.
   */
  renew(renewals: readonly Renewal[]): Promise<readonly FencedOutcome[]>;
  append(appends: readonly LogAppend[]): Promise<readonly FencedOutcome[]>;
  finish(finishes: readonly Finish[]): Promise<readonly FinishOutcome[]>;
  cancel(cancels: readonly Cancel[]): Promise<readonly CancelOutcome[]>;
  retry(retries: readonly Retry[]): Promise<readonly RetryOutcome[]>;
  /** Deletes final tasks with all that belongs to them; false where a task is not final or does not exist. */
  remove(ids: readonly string[]): Promise<readonly boolean[]>;
  /** Changes queues' settings; they hold for every server of the store, from the next lease on. */
  configure(changes: readonly QueueChange[]): Promise<void>;
  /** Says which workers wait, for `presentMs` from now; a hint for {@link load}, kept without durability. */
  announce(workers: readonly Presence[], presentMs: number): Promise<void>;
  /** What holds tasks of a queue, and of one concurrency key, back. */
  load(queue: string, concurrencyKey: string): Promise<QueueLoad>;
  get(ids: readonly string[]): Promise<readonly (TaskRecord | undefined)[]>;
  list(query: ListQuery): Promise<ListPage>;
  /** Undefined where there is no such task. */
  readLog(query: LogQuery): Promise<LogPage | undefined>;
  /** Every queue that the store knows, or those named (zeros for an unknown one). */
  stats(queues?: readonly string[]): Promise<readonly QueueStats[]>;
  /** Takes back expired leases, promotes what is due, delivers effects between queues, deletes what is past retention. */
  sweep(): Promise<SweepReport>;
  subscribe(listener: (signal: StoreSignal) => void): () => void;
  close(): Promise<void>;
}
