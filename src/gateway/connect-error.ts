/** MeshError in Connect's words, with google.rpc details that JSON shows in the clear. */
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/web/google/rpc/error_details_pb.js";
import { type ErrorCode, MeshError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { domain } from "../rpc/status.ts";

const codes: Readonly<Record<ErrorCode, Code>> = {
  CANCELLED: Code.Canceled,
  UNKNOWN: Code.Unknown,
  INVALID_ARGUMENT: Code.InvalidArgument,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  ABORTED: Code.Aborted,
  UNIMPLEMENTED: Code.Unimplemented,
  INTERNAL: Code.Internal,
  UNAVAILABLE: Code.Unavailable,
  DATA_LOSS: Code.DataLoss,
};

/** `error` is one that may be told: what core/public-error.ts made of it. */
export function toConnectError({ code, message, reason, metadata, fields }: MeshError): ConnectError {
  const info = { desc: ErrorInfoSchema, value: { reason, domain, metadata: { ...metadata } } };
  const bad = { desc: BadRequestSchema, value: { fieldViolations: fields.map((each) => ({ ...each })) } };
  return new ConnectError(message, codes[code], undefined, fields.length > 0 ? [info, bad] : [info]);
}

/**
 * Connect's own refusals (a body that is no JSON, say, or a message over the limit) with a reason of ours. Those that no
 * reason fits stay as they are.
 */
export function withReason(error: ConnectError): ConnectError {
  if (error.details.length > 0) return error;
  const refusal = refusalOf(error);
  return refusal ? toConnectError(refusal) : error;
}

function refusalOf({ code, rawMessage }: ConnectError): MeshError | undefined {
  if (code === Code.InvalidArgument) return new MeshError("INVALID_FIELD", rawMessage);
  if (code === Code.ResourceExhausted)
    return new MeshError(
      "PAYLOAD_TOO_LARGE",
      `the request is over ${limits.messageBytesMax} bytes, the most that one message may have`,
    );
  if (code === Code.DeadlineExceeded) return new MeshError("DEADLINE_EXCEEDED", rawMessage);
  return undefined;
}

/** Why a call was stopped, from what its signal says. */
export function stopReason(signal: AbortSignal): MeshError | undefined {
  if (!signal.aborted) return undefined;
  const { reason } = signal;
  if (reason instanceof MeshError) return reason;
  const isLate = reason instanceof ConnectError && reason.code === Code.DeadlineExceeded;
  return isLate
    ? new MeshError("DEADLINE_EXCEEDED", "the call did not end within its deadline (Connect-Timeout-Ms)")
    : gone();
}

export function gone(): MeshError {
  return new MeshError("CALL_CANCELED", "the caller gave the call up");
}
