/** Why a task waits, from what is known of it and of its queue. Pure. */
import { hasLabels } from "./lane.ts";
import type { QueueLoad, TaskRecord } from "./store.ts";
import { isFinal, type TaskState } from "./task.ts";

export interface ParentFact {
  readonly taskId: string;
  readonly state: TaskState | "MISSING";
}

export interface WaitFacts {
  readonly task: TaskRecord;
  /** Of its queue and its concurrency key. */
  readonly load: QueueLoad;
  /** QUEUED tasks of its queue, itself included. */
  readonly queued: number;
  /** Where the task is BLOCKED: all its parents. */
  readonly parents: readonly ParentFact[];
  readonly nowMs: number;
}

export type WaitKind =
  | "QUEUE_PAUSED"
  | "PARENTS_RUNNING"
  | "SCHEDULED"
  | "BACKOFF"
  | "CAP_REACHED"
  | "RATE_REACHED"
  | "NO_WORKER"
  | "NO_MATCHING_WORKER"
  | "BEHIND_OTHERS"
  | "IN_LINE";

export interface WaitReason {
  readonly kind: WaitKind;
  /** For people, one line. */
  readonly message: string;
  /** The same facts for programs. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Things named in one message. */
const namedMax = 3;

/** Each thing that the task waits for, the most important first; empty where it does not wait. */
export function explain(facts: WaitFacts): readonly WaitReason[] {
  const { state } = facts.task;
  if (state === "RUNNING" || state === "INPUT_REQUIRED" || isFinal(state)) return [];
  const paused = pauseReasons(facts);
  if (state === "BLOCKED") return [...paused, parentsReason(facts)];
  if (state === "SCHEDULED") return [...paused, scheduleReason(facts)];
  const held = [...paused, ...capReasons(facts), ...rateReasons(facts), ...workerReasons(facts)];
  return held.length > 0 ? held : [lineReason(facts)];
}

function pauseReasons({ task, load, nowMs }: WaitFacts): WaitReason[] {
  if (load.pause === undefined) return [];
  const { reason, sinceMs } = load.pause;
  const why = reason === "" ? "" : reason.startsWith("by ") ? ` ${reason}` : `: ${reason}`;
  return [
    {
      kind: "QUEUE_PAUSED",
      message: `the queue ${task.queue} is paused${why} (since ${span(nowMs - sinceMs)})`,
      metadata: { queue: task.queue, reason, since: new Date(sinceMs).toISOString() },
    },
  ];
}

function parentsReason({ task, parents }: WaitFacts): WaitReason {
  const pending = parents.filter(({ state }) => state === "MISSING" || !isFinal(state));
  const running = pending.filter(({ state }) => state === "RUNNING").length;
  const names = some(pending.map(({ taskId, state }) => `${taskId} is ${state}`));
  const metadata = { parents: String(task.parents.length), pending: String(pending.length) };
  const count = `${pending.length} of its ${task.parents.length} parents`;
  if (pending.length === 0)
    return {
      kind: "PARENTS_RUNNING",
      message: "its parents have just ended; it is about to go on",
      metadata,
    };
  const what =
    running === pending.length ? `${count} ${verb(running, "is", "are")} running` : `${count} have not ended`;
  return {
    kind: "PARENTS_RUNNING",
    message: `${what}: ${names}`,
    metadata: {
      ...metadata,
      running: String(running),
      task_ids: pending
        .slice(0, namedMax)
        .map((one) => one.taskId)
        .join(","),
    },
  };
}

function scheduleReason({ task, nowMs }: WaitFacts): WaitReason {
  const dueMs = task.runAtMs ?? nowMs;
  const until = new Date(dueMs).toISOString();
  const when = dueMs <= nowMs ? "it is due now" : `until ${until}, in ${span(dueMs - nowMs)}`;
  if (task.error === undefined)
    return {
      kind: "SCHEDULED",
      message: `it is scheduled ${when.replace("until", "for")}`,
      metadata: { until },
    };
  const { kind, message } = task.error;
  return {
    kind: "BACKOFF",
    message: `attempt ${task.attempt} of ${task.retry.attemptsMax} failed (${kind}: ${message}); the next waits ${when}`,
    metadata: { until, attempt: String(task.attempt), error_kind: kind },
  };
}

function capReasons({ task, load }: WaitFacts): WaitReason[] {
  const { runningMax, runningPerKeyMax } = load.policy;
  const key = task.concurrencyKey;
  const reasons: WaitReason[] = [];
  if (key !== "" && runningPerKeyMax !== undefined && load.keyRunning >= runningPerKeyMax)
    reasons.push({
      kind: "CAP_REACHED",
      message: `cap ${load.keyRunning}/${runningPerKeyMax} for ${key}: no more tasks with this concurrency key may run at once`,
      metadata: { of: "key", key, running: String(load.keyRunning), running_max: String(runningPerKeyMax) },
    });
  if (runningMax !== undefined && load.running >= runningMax)
    reasons.push({
      kind: "CAP_REACHED",
      message: `cap ${load.running}/${runningMax} for the queue ${task.queue}: no more of its tasks may run at once`,
      metadata: {
        of: "queue",
        queue: task.queue,
        running: String(load.running),
        running_max: String(runningMax),
      },
    });
  return reasons;
}

function rateReasons({ task, load }: WaitFacts): WaitReason[] {
  const { rate, ratePerKey } = load.policy;
  const reasons: WaitReason[] = [];
  if (ratePerKey !== undefined && load.keyRateInMs > 0)
    reasons.push({
      kind: "RATE_REACHED",
      message: `${task.concurrencyKey} may start ${ratePerKey.perSecond} tasks a second: the next in ${span(load.keyRateInMs)}`,
      metadata: { of: "key", key: task.concurrencyKey, wait_ms: String(Math.ceil(load.keyRateInMs)) },
    });
  if (rate !== undefined && load.rateInMs > 0)
    reasons.push({
      kind: "RATE_REACHED",
      message: `the queue ${task.queue} may start ${rate.perSecond} tasks a second: the next in ${span(load.rateInMs)}`,
      metadata: { of: "queue", queue: task.queue, wait_ms: String(Math.ceil(load.rateInMs)) },
    });
  return reasons;
}

function workerReasons({ task, load }: WaitFacts): WaitReason[] {
  const { queue, workerLabels } = task;
  const { workers } = load;
  if (workers.length === 0)
    return [
      {
        kind: "NO_WORKER",
        message: `no worker waits for the tasks of ${queue}; agentmesh serve --role ${queue} starts one`,
        metadata: { queue },
      },
    ];
  if (workers.some(({ labels }) => hasLabels(labels, workerLabels))) return [];
  const wanted = labelWords(workerLabels);
  const present = some([...new Set(workers.map(({ labels }) => labelWords(labels) || "none"))], " | ");
  const many = Object.keys(workerLabels).length > 1 ? "labels" : "label";
  return [
    {
      kind: "NO_MATCHING_WORKER",
      message: `no worker with ${many} ${wanted}; ${verb(workers.length, "the one present has", `the ${workers.length} present have`)}: ${present}`,
      metadata: { queue, worker_labels: wanted, workers: String(workers.length) },
    },
  ];
}

function lineReason({ task, load, queued }: WaitFacts): WaitReason {
  const { queue, priority } = task;
  const workers = load.workers.filter(({ labels }) => hasLabels(labels, task.workerLabels)).length;
  const metadata = { queue, queued: String(queued), workers: String(workers), priority: String(priority) };
  const busy = `${workers} ${verb(workers, "worker", "workers")} can take it when a slot is free`;
  if (queued <= 1) return { kind: "IN_LINE", message: `it is next in line; ${busy}`, metadata };
  const others = `${queued - 1} other ${verb(queued - 1, "task is", "tasks are")} queued in ${queue}`;
  return {
    kind: "BEHIND_OTHERS",
    message: `${others}, and this one has priority ${priority}; ${busy}`,
    metadata,
  };
}

function labelWords(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(", ");
}

function some(names: readonly string[], between = ", "): string {
  const more = names.length - namedMax;
  return [...names.slice(0, namedMax), ...(more > 0 ? [`and ${more} more`] : [])].join(between);
}

function verb(count: number, one: string, many: string): string {
  return count === 1 ? one : many;
}

/** A span of time, roughly. */
function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.ceil(ms))} ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2_880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1_440)} days`;
}
