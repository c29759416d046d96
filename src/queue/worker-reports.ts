/** What workers report, checked and in the store's terms. */
import {
  type LogEntry as Entry,
  LogEntry,
  Progress,
  type TaskError,
  type Usage,
} from "../../gen/grpc/agentmesh/v1/task.ts";
import type { LogAppend as AppendMessage, TaskOutcome } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { MeshError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { encodePayload, toPayload } from "../core/payload.ts";
import { durationToMs } from "../core/time.ts";
import type { Finish, FinishResult, LogAppend, LogBody, TaskUsageCount } from "./store.ts";
import { conditionOf } from "./submission.ts";
import type { TaskFailure } from "./task.ts";

/** Throws a MeshError that names the entry at fault. */
export function appendOf(message: AppendMessage, field: string): LogAppend {
  const term = termOf(message.term, field);
  let usage: TaskUsageCount | undefined;
  const entries = message.entries.map((entry, index): LogBody => {
    const body = bodyOf(entry, `${field}.entries[${index}]`);
    if (entry.entry?.$case === "usage") usage = addUsage(usage, entry.entry.value);
    return body;
  });
  return { ...term, entries, usage };
}

function bodyOf(entry: Entry, field: string): LogBody {
  const kind = entry.entry?.$case;
  if (kind !== "progress" && kind !== "line" && kind !== "chunk" && kind !== "usage")
    throw MeshError.invalid([
      { field, description: `is ${kind ?? "empty"}; a worker may append progress, line, chunk and usage` },
    ]);
  const bytes = LogEntry.encode({ ...entry, sequence: 0, time: undefined }).finish();
  if (bytes.length > limits.logEntryBytesMax)
    throw new MeshError(
      "PAYLOAD_TOO_LARGE",
      `${field}: has ${bytes.length} bytes; at most ${limits.logEntryBytesMax} are allowed`,
    );
  if (entry.entry?.$case !== "progress") return { bytes };
  const { fraction } = entry.entry.value;
  if (!(fraction >= 0 && fraction <= 1))
    throw MeshError.invalid([
      { field: `${field}.progress.fraction`, description: `is ${fraction}; it must be from 0 to 1` },
    ]);
  return { bytes, progress: Progress.encode(entry.entry.value).finish() };
}

/** Throws a MeshError that names the field at fault. */
export function finishOf(outcome: TaskOutcome, payloadBytesMax: number): Finish {
  const term = termOf(outcome.term, "finish");
  const usage = outcome.usage && addUsage(undefined, outcome.usage);
  return { ...term, result: resultOf(outcome.result, payloadBytesMax), usage };
}

function resultOf(result: TaskOutcome["result"], payloadBytesMax: number): FinishResult {
  switch (result?.$case) {
    case "succeeded":
      return {
        kind: "succeeded",
        output: encodePayload("output", result.value.output ?? toPayload(undefined), payloadBytesMax),
      };
    case "failed": {
      const { error, retryDelay } = result.value;
      return {
        kind: "failed",
        failure: failureOf(error),
        retryDelayMs: retryDelay && clampDelay(durationToMs(retryDelay)),
      };
    }
    case "released":
      return { kind: "released", reason: result.value.reason.slice(0, limits.reasonBytesMax) };
    case "suspended": {
      const { dependencies, inputRequest, state } = result.value;
      if (inputRequest)
        throw new MeshError(
          "NOT_YET_SUPPORTED",
          "suspended.input_request: not served by this version; leave unset",
        );
      const parents = dependencies.map(({ taskId, name, condition }) => ({
        taskId,
        name,
        condition: conditionOf(condition),
      }));
      return {
        kind: "suspended",
        parents,
        resumeState: encodePayload("suspended.state", state ?? toPayload(undefined), payloadBytesMax),
      };
    }
    case undefined:
      throw MeshError.invalid([
        { field: "result", description: "is required: succeeded, failed, released or suspended" },
      ]);
  }
}

const kindPattern = /^[A-Z][A-Z0-9_]{0,63}$/;

function failureOf(error: TaskError | undefined): TaskFailure {
  if (!error) throw MeshError.invalid([{ field: "error", description: "is required" }]);
  if (!kindPattern.test(error.kind))
    throw MeshError.invalid([
      {
        field: "error.kind",
        description: `"${error.kind.slice(0, 80)}" must be UPPER_SNAKE_CASE, 64 characters at most`,
      },
    ]);
  return {
    kind: error.kind,
    message: error.message.slice(0, limits.errorDetailBytesMax / 4),
    retryable: error.retryable,
    detail: error.detail.slice(0, limits.errorDetailBytesMax / 4),
  };
}

function clampDelay(ms: number): number {
  return Math.min(limits.delayMsMax, Math.max(0, ms));
}

function addUsage(sum: TaskUsageCount | undefined, usage: Usage): TaskUsageCount {
  return { tokens: (sum?.tokens ?? 0) + usage.tokens, usd: (sum?.usd ?? 0) + usage.usd };
}

function termOf(
  term: { taskId: string; fence: number } | undefined,
  field: string,
): { taskId: string; fence: number } {
  if (!term) throw MeshError.invalid([{ field: `${field}.term`, description: "is required" }]);
  return { taskId: term.taskId, fence: term.fence };
}
