/** A TaskSpec apart from its input: encoded as one, and parted again by its fields' places alone. Pure. */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import { TaskSpec } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { type Encoder, encoded } from "../../core/encode.ts";
import { payloadEncoder } from "../../core/payload-encoder.ts";

/** The number of `input` in TaskSpec. */
const inputField = 5;
/** How a message within a message is written. */
const lengthDelimited = 2;

export interface SpecParts {
  /** The spec without its input. */
  readonly rest: TaskSpec;
  readonly input: Payload | undefined;
}

/** Writes an encoded TaskSpec. */
export const specEncoder: Encoder<SpecParts> = {
  encode({ rest, input }, writer) {
    TaskSpec.encode(rest, writer);
    if (input) payloadEncoder.encode(input, writer.tag(inputField, lengthDelimited).fork()).join();
    return writer;
  },
};

export interface PartedSpec {
  /** The encoded Payload; undefined: the spec has none. */
  readonly input: Uint8Array | undefined;
  /** The encoded spec without it. */
  readonly rest: Uint8Array;
}

/** Neither part is decoded. */
export function partSpec(spec: Uint8Array): PartedSpec {
  const reader = new BinaryReader(spec);
  const rest: Uint8Array[] = [];
  let input: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wireType] = reader.tag();
    if (field === inputField) input = reader.bytes();
    else {
      reader.skip(wireType, field);
      rest.push(spec.subarray(start, reader.pos));
    }
  }
  return { input, rest: Buffer.concat(rest) };
}

/** The spec with this input. */
export function specWith(rest: Uint8Array, input: Payload): Uint8Array {
  const written = new BinaryWriter().tag(inputField, lengthDelimited).bytes(encoded(payloadEncoder, input));
  return Buffer.concat([rest, written.finish()]);
}
