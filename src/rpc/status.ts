/** MeshError on the wire: gRPC status, message and google.rpc details. The one place where the two meet. */
import { Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { BadRequest, ErrorInfo } from "../../gen/grpc/google/rpc/error_details.ts";
import { Status } from "../../gen/grpc/google/rpc/status.ts";
import { MeshError } from "../core/errors.ts";
import { publicError } from "../core/public-error.ts";
import { type Reason, reasons } from "../core/reasons.ts";

/** ErrorInfo's domain: who gives the reasons their meaning. */
export const domain = "agentmesh";
const detailsKey = "grpc-status-details-bin";
/** Below 0: clients are not to try again by themselves. */
const pushbackKey = "grpc-retry-pushback-ms";
const badRequestType = "type.googleapis.com/google.rpc.BadRequest";
const errorInfoType = "type.googleapis.com/google.rpc.ErrorInfo";

/** What a server answers. */
export function toStatus(thrown: MeshError): StatusObject {
  const error = publicError(thrown);
  const { message } = error;
  const code = status[error.code];
  const info = ErrorInfo.fromPartial({ reason: error.reason, domain, metadata: { ...error.metadata } });
  const details = [{ typeUrl: errorInfoType, value: Buffer.from(ErrorInfo.encode(info).finish()) }];
  if (error.fields.length > 0) {
    const bad = BadRequest.fromPartial({
      fieldViolations: error.fields.map((violation) => ({ ...violation })),
    });
    details.push({ typeUrl: badRequestType, value: Buffer.from(BadRequest.encode(bad).finish()) });
  }
  const metadata = new Metadata();
  metadata.set(detailsKey, Buffer.from(Status.encode({ code, message, details }).finish()));
  // Every replica has the same store, and each would wait for it as long: the caller hears of it in time (gRFC A6).
  if (error.reason === "STORE_UNAVAILABLE") metadata.set(pushbackKey, "-1");
  return { code, details: message, metadata };
}

const reasonOfCode: Partial<Record<number, Reason>> = {
  [status.DEADLINE_EXCEEDED]: "DEADLINE_EXCEEDED",
  [status.CANCELLED]: "CALL_CANCELED",
  [status.UNAVAILABLE]: "SERVER_UNREACHABLE",
  [status.UNIMPLEMENTED]: "NOT_YET_SUPPORTED",
  [status.INVALID_ARGUMENT]: "INVALID_FIELD",
  // grpc-js itself refuses a message over the limit so, on either side.
  [status.RESOURCE_EXHAUSTED]: "PAYLOAD_TOO_LARGE",
};

/**
 * What a client throws. `address` names the server where it could not be reached; `role` is that of the replicas which a
 * control plane told of.
 */
export function fromServiceError(error: ServiceError, address: string, role = ""): MeshError {
  const { info, bad } = detailsOf(error);
  if (info?.domain === domain && Object.hasOwn(reasons, info.reason))
    return new MeshError(info.reason as Reason, error.details, {
      metadata: info.metadata,
      fields: bad?.fieldViolations ?? [],
      cause: error,
    });
  if (role !== "" && error.code === status.UNAVAILABLE) {
    const none = withoutReplica(error.details, role);
    if (none) return new MeshError("NO_HEALTHY_REPLICA", none, { cause: error });
  }
  const reason = reasonOfCode[error.code] ?? "INTERNAL";
  return new MeshError(reason, messageOf(reason, error, address), { cause: error });
}

/** What to say where a call was sent to no replica at all; undefined: it was sent to one. */
function withoutReplica(details: string, role: string): string | undefined {
  const balanced = /\d+ of \d+ replicas are serving.*/.exec(details)?.[0];
  if (balanced) return `no healthy replica of ${role}: ${balanced.replace(" replicas", "")}`;
  if (/empty priority list|No addresses resolved/.test(details))
    return `no healthy replica of ${role}: the control plane knows of none that takes calls`;
  return /^(Resolution error|xDS|Name resolution)/i.test(details)
    ? `no healthy replica of ${role}: ${details}`
    : undefined;
}

function messageOf(reason: Reason, error: ServiceError, address: string): string {
  if (reason === "SERVER_UNREACHABLE") return `no server answers at ${address} (${error.details})`;
  if (reason === "DEADLINE_EXCEEDED") return `the call to ${address} did not end within its deadline`;
  return error.details || error.message;
}

function detailsOf(error: ServiceError): { info?: ErrorInfo; bad?: BadRequest } {
  const packed = error.metadata?.get(detailsKey)[0];
  if (!(packed instanceof Buffer)) return {};
  const found: { info?: ErrorInfo; bad?: BadRequest } = {};
  try {
    for (const { typeUrl, value } of Status.decode(packed).details) {
      if (typeUrl === errorInfoType) found.info = ErrorInfo.decode(value);
      if (typeUrl === badRequestType) found.bad = BadRequest.decode(value);
    }
  } catch {
    // Details that cannot be read are as good as none: the status still says what happened.
  }
  return found;
}

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as Partial<ServiceError>).code === "number";
}
