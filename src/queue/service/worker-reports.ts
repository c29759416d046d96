/** What workers report, checked and in the store's terms. */
import type { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import {
  type Dependency,
  type LogEntry as Entry,
  LogEntry,
  Progress,
  type TaskError,
  type Usage,
} from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { LogAppend as AppendMessage, TaskOutcome } from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { FieldCheck } from "../../core/check.ts";
import { MeshError } from "../../core/errors.ts";
import { queueOf } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { microsToUsd } from "../../core/money.ts";
import { encodePayload } from "../../core/payload.ts";
import { retryDelayOf } from "../../core/retry-delay.ts";
import { durationToMs } from "../../core/time.ts";
import type { Finish, FinishResult, LogAppend, LogBody, Parent, TaskUsageCount } from "../store.ts";
import type { TaskFailure } from "../task.ts";
import { checkReadable, conditionOf } from "./submission.ts";
import { termOf } from "./term.ts";

/** Throws a MeshError that names the entry at fault. */
export function appendOf(message: AppendMessage, field: string): LogAppend {
  const term = termOf(message.term);
  if (message.entries.length > limits.appendEntriesMax)
    throw MeshError.invalid([
      {
        field: `${field}.entries`,
        description: `has ${message.entries.length} entries; at most ${limits.appendEntriesMax} are allowed`,
      },
    ]);
  let usage: TaskUsageCount | undefined;
  const entries = message.entries.map((entry, index): LogBody => {
    const body = bodyOf(entry, `${field}.entries[${index}]`);
    if (entry.entry?.$case === "usage")
      usage = addUsage(usage, entry.entry.value, `${field}.entries[${index}].usage`);
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
  const term = termOf(outcome.term);
  const usage = outcome.usage && addUsage(undefined, outcome.usage, "usage");
  return { ...term, result: resultOf(outcome.result, payloadBytesMax), usage };
}

function resultOf(result: TaskOutcome["result"], payloadBytesMax: number): FinishResult {
  switch (result?.$case) {
    case "succeeded":
      return {
        kind: "succeeded",
        output: readablePayload("output", result.value.output, payloadBytesMax),
      };
    case "failed": {
      const { error, retryDelay } = result.value;
      return {
        kind: "failed",
        failure: failureOf(error),
        retryDelayMs: retryDelay && retryDelayOf(durationToMs(retryDelay)),
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
      return {
        kind: "suspended",
        parents: suspendedOn(dependencies),
        resumeState: readablePayload("suspended.state", state, payloadBytesMax),
      };
    }
    case undefined:
      throw MeshError.invalid([
        { field: "result", description: "is required: succeeded, failed, released or suspended" },
      ]);
  }
}

/** An encoded Payload that says nothing. */
const noPayload = Buffer.alloc(0);

/** The payload's bytes, once it is known that whoever reads the task can read it. */
function readablePayload(field: string, payload: Payload | undefined, bytesMax: number): Buffer {
  if (payload === undefined) return noPayload;
  checkReadable(field, payload);
  return encodePayload(field, payload, bytesMax);
}

function suspendedOn(dependencies: readonly Dependency[]): Parent[] {
  const field = "suspended.dependencies";
  const check = new FieldCheck();
  if (dependencies.length > limits.dependenciesMax)
    throw MeshError.invalid([
      {
        field,
        description: `has ${dependencies.length} entries; at most ${limits.dependenciesMax} are allowed`,
      },
    ]);
  const parents = dependencies.map(({ taskId, name, condition }, index) => {
    const at = `${field}[${index}]`;
    if (queueOf(taskId) === undefined)
      check.fault(`${at}.task_id`, `"${taskId.slice(0, 80)}" is not a task id`);
    check.text(`${at}.name`, name, limits.dependencyNameBytesMax);
    return { taskId, name, condition: conditionOf(check, `${at}.condition`, condition) };
  });
  check.done();
  return parents;
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
    message: error.message.slice(0, limits.errorMessageCharactersMax),
    retryable: error.retryable,
    detail: error.detail.slice(0, limits.errorDetailCharactersMax),
  };
}

function addUsage(sum: TaskUsageCount | undefined, usage: Usage, field: string): TaskUsageCount {
  const { tokens, usdMicros } = usage;
  if (!(tokens >= 0 && usdMicros >= 0))
    throw MeshError.invalid([
      { field, description: `is ${tokens} tokens and ${usdMicros} usd_micros; both must be 0 or more` },
    ]);
  return { tokens: (sum?.tokens ?? 0) + tokens, usd: (sum?.usd ?? 0) + microsToUsd(usdMicros) };
}
