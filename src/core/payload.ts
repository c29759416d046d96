/** The mesh's values in the contract's Payload, and back. */
import type { Payload } from "../../gen/grpc/agentmesh/v1/payload.ts";
import { encoded } from "./encode.ts";
import { MeshError } from "./errors.ts";
import { limits } from "./limits.ts";
import { payloadEncoder } from "./payload-encoder.ts";

const jsonType = "application/json";

/** Drops undefined as JSON does, since Struct would turn it into null. Throws for what is nested too deep, a circle too. */
function plainJson(value: unknown, field: string, level = 0): unknown {
  if (value === null || typeof value !== "object") return value;
  if (level === limits.jsonTextLevelsMax) throw nestedTooDeep(field);
  if (Array.isArray(value))
    return value.map((element) => (element === undefined ? null : plainJson(element, field, level + 1)));
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return JSON.parse(JSON.stringify(value));
  const object: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    if (member !== undefined && typeof member !== "function")
      object[key] = plainJson(member, field, level + 1);
  }
  return object;
}

function nestedTooDeep(field: string): MeshError {
  return MeshError.invalid([
    { field, description: `is nested more than ${limits.jsonTextLevelsMax} levels deep` },
  ]);
}

/** True where objects and lists stand within each other more than `levels` deep. */
function isDeeperThan(levels: number, value: unknown): boolean {
  if (value === null || typeof value !== "object") return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((element) => isDeeperThan(levels - 1, element));
  for (const name in value)
    if (isDeeperThan(levels - 1, (value as Record<string, unknown>)[name])) return true;
  return false;
}

/**
 * An object travels as a Struct, bytes as they are, any other JSON value as JSON text; so does an object that is nested deeper
 * than decoders read. Throws INVALID_FIELD with the field's name for what is nested too deep for JSON text too.
 */
export function toPayload(value: unknown, field = "input"): Payload {
  if (value === undefined) return { body: undefined, contentType: "" };
  if (value instanceof Uint8Array)
    return { body: { $case: "data", value: Buffer.from(value) }, contentType: "application/octet-stream" };
  const plain = plainJson(value, field);
  if (
    value !== null &&
    typeof value === "object" &&
    !Array.isArray(value) &&
    !isDeeperThan(limits.jsonLevelsMax, plain)
  )
    return { body: { $case: "json", value: plain as Record<string, unknown> }, contentType: "" };
  if (isDeeperThan(limits.jsonTextLevelsMax, plain)) throw nestedTooDeep(field);
  return { body: { $case: "data", value: Buffer.from(JSON.stringify(plain)) }, contentType: jsonType };
}

/**
 * Throws INVALID_FIELD for a payload whose JSON is nested deeper than every reader of a task can follow. `value`: what
 * {@link fromPayload} makes of it.
 */
export function checkLevels(field: string, payload: Payload, value: unknown): void {
  if (payload.body?.$case === "json" && isDeeperThan(limits.jsonLevelsMax, payload.body.value))
    throw MeshError.invalid([
      {
        field,
        description: `is nested more than ${limits.jsonLevelsMax} levels deep; send it as data of content type ${jsonType}`,
      },
    ]);
  if (payload.contentType === jsonType && isDeeperThan(limits.jsonTextLevelsMax, value))
    throw nestedTooDeep(field);
}

/** The value that {@link toPayload} took; undefined for an empty payload. */
export function fromPayload(payload: Payload | undefined): unknown {
  const body = payload?.body;
  if (body === undefined) return undefined;
  if (body.$case === "json") return body.value;
  if (body.$case === "data")
    return payload?.contentType === jsonType ? JSON.parse(body.value.toString()) : body.value;
  throw new MeshError(
    "INVALID_FIELD",
    `payload: is a reference to ${body.value.uri}, which only a server that has that body store can read`,
  );
}

/** The payload's bytes; throws PAYLOAD_TOO_LARGE naming the field, its size and the limit. */
export function encodePayload(
  field: string,
  payload: Payload,
  bytesMax: number = limits.payloadBytesMax,
): Buffer {
  const bytes = encoded(payloadEncoder, payload);
  if (bytes.length <= bytesMax) return bytes;
  throw payloadTooLarge(field, bytes.length, bytesMax);
}

function payloadTooLarge(field: string, bytes: number, bytesMax: number): MeshError {
  return new MeshError(
    "PAYLOAD_TOO_LARGE",
    `${field}: has ${bytes} bytes; at most ${bytesMax} are allowed (payload.maxBytes; payload.bodyBytesMax where a server with a body store has payload.offloadBytes above 0). Raise that, or pass the data's address`,
    {
      fields: [{ field, description: `has ${bytes} bytes; at most ${bytesMax} are allowed` }],
      metadata: { bytes: String(bytes), bytes_max: String(bytesMax) },
    },
  );
}
