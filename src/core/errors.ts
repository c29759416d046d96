/**
 * The one error type of the mesh, and the two that authors of roles throw.
 *
 * Every boundary answers with a {@link MeshError}: a code (gRPC's names, so that transports only translate), a reason from
 * the one table in `reasons.ts`, a message that names the field, the limit and the way out, and, where fields are at fault,
 * a violation for each.
 */
import { type ErrorCode, type Reason, reasons } from "./reasons.ts";

export type { ErrorCode };

/** One field at fault; `field` is a path such as `tasks[3].spec.role`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

export interface MeshErrorOptions {
  readonly fields?: readonly FieldViolation[];
  /** Facts for machines, such as the limit and the value; strings only, as google.rpc.ErrorInfo has them. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

export class MeshError extends Error {
  override readonly name = "MeshError";
  readonly code: ErrorCode;
  readonly reason: Reason;
  readonly fields: readonly FieldViolation[];
  readonly metadata: Readonly<Record<string, string>>;

  constructor(reason: Reason, message: string, options: MeshErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = reasons[reason].code;
    this.reason = reason;
    this.fields = options.fields ?? [];
    this.metadata = options.metadata ?? {};
  }

  /** An INVALID_ARGUMENT error for fields of a request; the message lists each field's fault. */
  static invalid(fields: readonly FieldViolation[], reason: Reason = "INVALID_FIELD"): MeshError {
    const message = fields.map((violation) => `${violation.field}: ${violation.description}`).join("; ");
    return new MeshError(reason, message, { fields });
  }

  /** Any thrown value as a MeshError; an unknown one becomes INTERNAL with its cause kept. */
  static from(thrown: unknown): MeshError {
    if (thrown instanceof MeshError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new MeshError("INTERNAL", message, { cause: thrown });
  }
}

/** Thrown by a role: the task has failed for good, whatever attempts are left. `kind` is UPPER_SNAKE_CASE. */
export class TerminalError extends Error {
  override readonly name = "TerminalError";
  readonly kind: string;

  constructor(kind: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Thrown by a role: try again by the retry policy, or after `delayMs`. Any other thrown error is retried too, as ROLE_ERROR. */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
  readonly kind: string;
  readonly delayMs: number | undefined;

  constructor(kind: string, message: string, options?: ErrorOptions & { delayMs?: number }) {
    super(message, options);
    this.kind = kind;
    this.delayMs = options?.delayMs;
  }
}
