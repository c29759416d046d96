/** The mesh's values in the contract's Payload, and back. */
import { Payload } from "../../gen/grpc/agentmesh/v1/payload.ts";
import { MeshError } from "./errors.ts";
import { limits } from "./limits.ts";

const jsonType = "application/json";

/** Drops undefined as JSON does, since Struct would turn it into null. */
function plainJson(value: unknown): unknown {
  if (Array.isArray(value))
    return value.map((element) => (element === undefined ? null : plainJson(element)));
  if (value === null || typeof value !== "object") return value;
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return JSON.parse(JSON.stringify(value));
  const object: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value))
    if (member !== undefined && typeof member !== "function") object[key] = plainJson(member);
  return object;
}

/** An object travels as a Struct, bytes as they are, any other JSON value as JSON text. */
export function toPayload(value: unknown): Payload {
  if (value === undefined) return { body: undefined, contentType: "" };
  if (value instanceof Uint8Array)
    return { body: { $case: "data", value: Buffer.from(value) }, contentType: "application/octet-stream" };
  if (value !== null && typeof value === "object" && !Array.isArray(value))
    return { body: { $case: "json", value: plainJson(value) as Record<string, unknown> }, contentType: "" };
  return {
    body: { $case: "data", value: Buffer.from(JSON.stringify(plainJson(value))) },
    contentType: jsonType,
  };
}

/** The value that {@link toPayload} took; undefined for an empty payload. */
export function fromPayload(payload: Payload | undefined): unknown {
  const body = payload?.body;
  if (body === undefined) return undefined;
  if (body.$case === "json") return body.value;
  if (body.$case === "data")
    return payload?.contentType === jsonType ? JSON.parse(body.value.toString()) : body.value;
  throw new MeshError("NOT_YET_SUPPORTED", `payload: blob references (${body.value.uri}) are not served yet`);
}

/** The payload's bytes; throws PAYLOAD_TOO_LARGE naming the field, its size and the limit. */
export function encodePayload(
  field: string,
  payload: Payload,
  bytesMax: number = limits.payloadBytesMax,
): Buffer {
  const bytes = Buffer.from(Payload.encode(payload).finish());
  if (bytes.length <= bytesMax) return bytes;
  throw payloadTooLarge(field, bytes.length, bytesMax);
}

function payloadTooLarge(field: string, bytes: number, bytesMax: number): MeshError {
  return new MeshError(
    "PAYLOAD_TOO_LARGE",
    `${field}: has ${bytes} bytes; at most ${bytesMax} are allowed. Pass the data's address, or raise payload.maxBytes`,
    {
      fields: [{ field, description: `has ${bytes} bytes; at most ${bytesMax} are allowed` }],
      metadata: { bytes: String(bytes), bytesMax: String(bytesMax) },
    },
  );
}
