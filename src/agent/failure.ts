/** What a handler threw, as the contract's TaskError. The one place that decides what is tried again. */
import { inspect } from "node:util";
import type { TaskError } from "../../gen/grpc/agentmesh/v1/task.ts";
import { MeshError, RetryableError, TerminalError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { retryDelayOf } from "../core/retry-delay.ts";

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
  return failure(roleErrorKind, thrown instanceof Error ? thrown : new Error(textOf(thrown)), true);
}

function textOf(thrown: unknown): string {
  return typeof thrown === "string" ? thrown : inspect(thrown);
}

function failure(given: string, thrown: Error, retryable: boolean, delayMs?: number): Failure {
  const kind = kindOf(given);
  const message = String(thrown.message || kind).slice(0, limits.errorMessageCharactersMax);
  const detail = String(thrown.stack ?? "").slice(0, limits.errorDetailCharactersMax);
  const retryDelayMs = Number.isFinite(delayMs) ? retryDelayOf(delayMs as number) : undefined;
  return { error: { kind, message, retryable, detail }, retryDelayMs };
}

/** The contract has kinds in UPPER_SNAKE_CASE and refuses others: an author's "noTests" becomes NO_TESTS. */
function kindOf(given: string): string {
  const words = String(given).replace(/([a-z0-9])([A-Z])/g, "$1_$2");
  const kind = words.toUpperCase().replace(/[^A-Z0-9]+/g, "_");
  return kind.replace(/^[^A-Z]+/, "").slice(0, limits.errorKindBytesMax) || roleErrorKind;
}

/** A terminal failure that the worker itself finds: an input or an output that does not fit its schema. */
export function terminal(
  kind: "INVALID_INPUT" | "INVALID_OUTPUT" | "OUTPUT_TOO_LARGE",
  message: string,
): Failure {
  return { error: { kind, message, retryable: false, detail: "" }, retryDelayMs: undefined };
}
