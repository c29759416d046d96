/**
 * A task's states and the moves between them. Pure: no clock, no store, no chance; both stores apply these rules and the
 * model that tests them is these functions.
 *
 *   BLOCKED ──parents ended──▶ SCHEDULED ──due──▶ QUEUED ──leased──▶ RUNNING ──▶ SUCCEEDED | FAILED
 *      ▲                          ▲                 ▲                  │
 *      └────────suspended─────────┴────retried──────┴────released──────┘        any but final ──▶ CANCELED
 */

export const taskStates = [
  "BLOCKED",
  "SCHEDULED",
  "QUEUED",
  "RUNNING",
  "INPUT_REQUIRED",
  "SUCCEEDED",
  "FAILED",
  "CANCELED",
] as const;

export type TaskState = (typeof taskStates)[number];
export type FinalState = "SUCCEEDED" | "FAILED" | "CANCELED";

export function isFinal(state: TaskState): state is FinalState {
  return state === "SUCCEEDED" || state === "FAILED" || state === "CANCELED";
}

/** How often and how soon a failed attempt is tried again. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly attemptsMax: number;
  readonly backoffInitialMs: number;
  readonly backoffMaxMs: number;
  readonly backoffMultiplier: number;
  /** Kinds of error that end the task at once. */
  readonly errorsNotRetried: readonly string[];
}

export const retryPolicyDefault: RetryPolicy = Object.freeze({
  attemptsMax: 3,
  backoffInitialMs: 1_000,
  backoffMaxMs: 60_000,
  backoffMultiplier: 2,
  errorsNotRetried: [],
});

/** Times after which a task, or an attempt, fails by itself. Milliseconds; undefined: never. */
export interface Timeouts {
  /** From QUEUED to leased; then the task FAILS. */
  readonly toStartMs?: number;
  /** From leased to finished; then the attempt fails. */
  readonly toFinishMs?: number;
  /** Between two signs of life: the lease's begin, and entries for the log. Renewals are none. */
  readonly heartbeatMs?: number;
}

/** Why an attempt failed. Kinds are listed in docs/errors.md. */
export interface TaskFailure {
  readonly kind: string;
  readonly message: string;
  readonly retryable: boolean;
  /** More for people, such as a stack. */
  readonly detail: string;
}

export type FailureDecision =
  | { readonly next: "retry"; readonly delayMs: number }
  | { readonly next: "fail"; readonly because: "attempts" | "terminal" };

/**
 * What follows a failed attempt. `chance` is uniform in [0, 1): the delay is spread over its upper half, so that tasks which
 * failed together do not come back together. A lost lease (LEASE_EXPIRED) is tried again at once: its wait is over already.
 */
export function afterFailure(
  policy: RetryPolicy,
  attempt: number,
  failure: TaskFailure,
  chance: number,
  retryDelayMs?: number,
): FailureDecision {
  if (!failure.retryable || policy.errorsNotRetried.includes(failure.kind))
    return { next: "fail", because: "terminal" };
  if (attempt >= policy.attemptsMax) return { next: "fail", because: "attempts" };
  if (retryDelayMs !== undefined) return { next: "retry", delayMs: retryDelayMs };
  if (failure.kind === leaseExpiredKind) return { next: "retry", delayMs: 0 };
  const full = Math.min(
    policy.backoffMaxMs,
    policy.backoffInitialMs * policy.backoffMultiplier ** Math.max(0, attempt - 1),
  );
  return { next: "retry", delayMs: Math.round(full * (0.5 + chance / 2)) };
}

/** The state of a task that nothing blocks any more. */
export function openState(runAtMs: number | undefined, nowMs: number): "SCHEDULED" | "QUEUED" {
  return runAtMs !== undefined && runAtMs > nowMs ? "SCHEDULED" : "QUEUED";
}

export type DependencyCondition = "SUCCEEDED" | "FINISHED";

/** What an ended parent means to a child that waits for it by `condition`. */
export function dependencyVerdict(
  condition: DependencyCondition,
  parent: FinalState | "MISSING",
): "met" | "failed" {
  return condition === "FINISHED" || parent === "SUCCEEDED" ? "met" : "failed";
}

const leaseExpiredKind = "LEASE_EXPIRED";
const startTimeoutKind = "START_TIMEOUT";
const finishTimeoutKind = "FINISH_TIMEOUT";
const heartbeatTimeoutKind = "HEARTBEAT_TIMEOUT";
export const parentFailedKind = "PARENT_FAILED";

export const leaseExpired: TaskFailure = Object.freeze({
  kind: leaseExpiredKind,
  message: "the worker's lease expired: it died, was cut off, or stopped renewing",
  retryable: true,
  detail: "",
});

export const startTimedOut: TaskFailure = Object.freeze({
  kind: startTimeoutKind,
  message: "no worker took it within its timeout to start",
  retryable: false,
  detail: "",
});

const finishTimedOut: TaskFailure = Object.freeze({
  kind: finishTimeoutKind,
  message: "the attempt ran longer than its timeout to finish",
  retryable: true,
  detail: "",
});

const heartbeatTimedOut: TaskFailure = Object.freeze({
  kind: heartbeatTimeoutKind,
  message: "the handler gave no sign of life within its heartbeat timeout",
  retryable: true,
  detail: "",
});

/** A running attempt, as its timeouts see it. */
export interface RunningAttempt {
  readonly timeouts: Timeouts;
  readonly startedMs: number;
  /** The last sign of life. */
  readonly signMs: number;
}

/** When a lease of `leaseMs` from now ends: not after the attempt's own limits. */
export function leaseEndMs(
  { timeouts, startedMs, signMs }: RunningAttempt,
  leaseMs: number,
  nowMs: number,
): number {
  const { toFinishMs = Number.POSITIVE_INFINITY, heartbeatMs = Number.POSITIVE_INFINITY } = timeouts;
  return Math.min(nowMs + leaseMs, startedMs + toFinishMs, signMs + heartbeatMs);
}

/** Why an attempt failed whose lease has ended. */
export function expiryOf({ timeouts, startedMs, signMs }: RunningAttempt, nowMs: number): TaskFailure {
  const { toFinishMs = Number.POSITIVE_INFINITY, heartbeatMs = Number.POSITIVE_INFINITY } = timeouts;
  if (startedMs + toFinishMs <= nowMs) return finishTimedOut;
  return signMs + heartbeatMs <= nowMs ? heartbeatTimedOut : leaseExpired;
}

export function parentFailed(parentId: string, parent: FinalState | "MISSING"): TaskFailure {
  const what = parent === "MISSING" ? "does not exist any more" : `ended as ${parent}`;
  return { kind: parentFailedKind, message: `its parent ${parentId} ${what}`, retryable: false, detail: "" };
}

/** Why a task changed its state, in its log's words. */
export const changeReasons = {
  suspended: "suspended",
  parentsEnded: "its parents have ended",
  attemptFailed: (attempt: number, failure: TaskFailure) =>
    `attempt ${attempt} failed: ${failure.kind}: ${failure.message}`,
};

/** Whether a fenced write may touch a task: its term is the running one. */
export function holdsLease(status: { state: TaskState; fence: number }, fence: number): boolean {
  return status.state === "RUNNING" && status.fence === fence;
}

/**
 * Whether a refused finish only repeats one that was accepted: the answer was lost and the worker asks again.
 */
export function repeatsFinish(
  status: { state: TaskState; fence: number },
  fence: number,
  outcome: "succeeded" | "failed" | "released" | "suspended",
): boolean {
  if (status.fence !== fence) return false;
  return (
    (outcome === "succeeded" && status.state === "SUCCEEDED") ||
    (outcome === "failed" && status.state === "FAILED")
  );
}
