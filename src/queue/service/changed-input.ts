/** A task's spec with another input, held to what a new task's input is. */
import type { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import { TaskSpec } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { FieldCheck } from "../../core/check.ts";
import { MeshError } from "../../core/errors.ts";
import { encodePayload, fromPayload, toPayload } from "../../core/payload.ts";
import type { Offload } from "../offload.ts";
import type { TaskRecord } from "../store.ts";
import { type Catalog, roleOf } from "./catalog.ts";
import { whole } from "./offloaded.ts";
import { checkInput } from "./submission.ts";

export interface InputContext {
  readonly catalog: Catalog;
  readonly payloadBytesMax: number;
}

/** Throws a MeshError that names `field`. */
export function withInput(
  record: TaskRecord,
  field: string,
  input: Payload,
  { catalog, payloadBytesMax }: InputContext,
): Uint8Array {
  encodePayload(field, input, payloadBytesMax);
  const spec = { ...TaskSpec.decode(record.spec), input };
  const check = new FieldCheck();
  checkInput(check, field, spec, roleOf(catalog, "role", record.queue));
  check.done();
  return TaskSpec.encode(spec).finish();
}

/** As {@link withInput}, with members added to the task's own input, wherever that lies. */
export async function withMembers(
  record: TaskRecord,
  field: string,
  members: Readonly<Record<string, unknown>>,
  context: InputContext & { readonly offload?: Offload },
): Promise<Uint8Array> {
  const own = fromPayload(await whole(context.offload, TaskSpec.decode(record.spec).input)) ?? {};
  if (!isObject(own))
    throw MeshError.invalid([{ field, description: "the task's own input is no JSON object" }]);
  return withInput(record, field, toPayload({ ...own, ...members }), context);
}

/** The JSON object that a payload is. Throws INVALID_FIELD where it is something else. */
export function objectOf(field: string, payload: Payload): Record<string, unknown> {
  const value = fromPayload(payload);
  if (isObject(value)) return value;
  throw MeshError.invalid([{ field, description: "must be a JSON object" }]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
