/** What a handler threw, as the contract's TaskError. The one place that decides what is tried again. */
import type { TaskError } from "../../gen/grpc/agentmesh/v1/task.ts";
import { MeshError, RetryableError, TerminalError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";

export interface Failure {
  readonly error: TaskError;
  /** Undefined: the retry policy's backoff. */
  readonly retryDelayMs: number | undefined;
}

/** A thrown error that is none of ours: a fault that may pass. */
const roleErrorKind = "ROLE_ERROR";

/** Codes of a MeshError that another attempt may get past. */
const passing = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNKNOWN", "INTERNAL"]);

export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof TerminalError) return failure(thrown.kind, thrown, false);
  if (thrown instanceof RetryableError) return failure(thrown.kind, thrown, true, thrown.delayMs);
  if (thrown instanceof MeshError) return failure(thrown.reason, thrown, passing.has(thrown.code));
  return failure(roleErrorKind, thrown instanceof Error ? thrown : new Error(String(thrown)), true);
}

function failure(kind: string, thrown: Error, retryable: boolean, retryDelayMs?: number): Failure {
  const detail = (thrown.stack ?? "").slice(0, limits.errorDetailBytesMax / 4);
  return { error: { kind, message: thrown.message || kind, retryable, detail }, retryDelayMs };
}

/** A terminal failure that the worker itself finds: an input or an output that does not fit its schema. */
export function terminal(
  kind: "INVALID_INPUT" | "INVALID_OUTPUT" | "OUTPUT_TOO_LARGE",
  message: string,
): Failure {
  return { error: { kind, message, retryable: false, detail: "" }, retryDelayMs: undefined };
}
