/** A store's records in the contract's messages. */

import { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import type {
  LogEntry,
  QueueStatus,
  Task,
  TaskError,
  WatchTaskResponse,
} from "../../../gen/grpc/agentmesh/v1/task.ts";
import {
  LogEntry as LogEntryCodec,
  Progress,
  TaskSpec,
  TaskState,
} from "../../../gen/grpc/agentmesh/v1/task.ts";
import { usdToMicros } from "../../core/money.ts";
import { msToDate, msToDuration } from "../../core/time.ts";
import type { WatchEvent } from "../log-watch.ts";
import type { QueueRates } from "../rates.ts";
import type { LogRecord, QueueStats, TaskRecord } from "../store.ts";
import { isFinal, type TaskFailure, taskStates } from "../task.ts";
import { policyMessageOf } from "./policy-messages.ts";

/** Whether a state of the contract is one that a task does not leave by itself. */
export function isFinalState(state: TaskState): boolean {
  const name = taskStates.find((one) => TaskState[one] === state);
  return name !== undefined && isFinal(name);
}

/** With `bodies` false, spec's input, output and resume state are left out, as lists do. */
export function taskOf(record: TaskRecord, bodies = true): Task {
  const spec = TaskSpec.decode(record.spec);
  return {
    id: record.id,
    spec: bodies ? spec : { ...spec, input: undefined },
    state: TaskState[record.state],
    attempt: record.attempt,
    fence: record.fence,
    generation: record.generation,
    createTime: msToDate(record.createdMs),
    queueTime: msToDate(record.queuedMs),
    startTime: msToDate(record.startedMs),
    finishTime: msToDate(record.finishedMs),
    runTime: record.state === "SCHEDULED" ? msToDate(record.runAtMs) : undefined,
    leaseExpireTime: record.state === "RUNNING" ? msToDate(record.leaseExpiresMs) : undefined,
    workerId: record.state === "RUNNING" ? (record.workerId ?? "") : "",
    output: bodies && record.output ? Payload.decode(record.output) : undefined,
    error: record.error && errorOf(record.error),
    progress: record.progress && Progress.decode(record.progress),
    usage: { tokens: record.usage.tokens, usdMicros: usdToMicros(record.usage.usd) },
    lastSequence: record.lastSequence,
    dependenciesPending: record.parentsPending,
    inputRequest: undefined,
  };
}

function errorOf(failure: TaskFailure): TaskError {
  return { ...failure };
}

function entryOf(record: LogRecord): LogEntry {
  const stamp = { sequence: record.sequence, time: msToDate(record.timeMs) };
  if (record.body) return { ...LogEntryCodec.decode(record.body), ...stamp };
  const change = record.change;
  if (!change) return { ...stamp, entry: undefined };
  return { ...stamp, entry: { $case: "state", value: { ...change, state: TaskState[change.state] } } };
}

/** Undefined for "missing", which callers answer as an error. */
export function watchResponseOf(event: WatchEvent): WatchTaskResponse | undefined {
  switch (event.kind) {
    case "entry":
      return { event: { $case: "entry", value: entryOf(event.entry) } };
    case "gap":
      return { event: { $case: "gap", value: { fromSequence: event.from, toSequence: event.to } } };
    case "final":
      return { event: { $case: "final", value: taskOf(event.task) } };
    case "missing":
      return undefined;
  }
}

export function queueStatusOf(stats: QueueStats, rates: QueueRates, nowMs: number): QueueStatus {
  const { counts } = stats;
  return {
    role: stats.queue,
    blocked: counts.BLOCKED,
    scheduled: counts.SCHEDULED,
    queued: counts.QUEUED,
    running: counts.RUNNING,
    inputRequired: counts.INPUT_REQUIRED,
    succeeded: counts.SUCCEEDED,
    failed: counts.FAILED,
    canceled: counts.CANCELED,
    deadLetter: stats.deadLetter,
    oldestWait:
      stats.oldestQueuedMs === undefined
        ? undefined
        : msToDuration(Math.max(0, nowMs - stats.oldestQueuedMs)),
    arrivalRate: rates.arrival,
    serviceRate: rates.service,
    paused: stats.pause !== undefined,
    pauseReason: stats.pause?.reason ?? "",
    policy: policyMessageOf(stats.policy),
    pauseTime: msToDate(stats.pause?.sinceMs),
  };
}
