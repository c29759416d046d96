/** A TaskSpec apart from its input: encoded as one, and parted again by its fields' places alone. Pure. */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import { TaskSpec } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { type Encoder, encoded } from "../../core/encode.ts";
import { payloadEncoder } from "../../core/payload-encoder.ts";
import { wireType } from "../../core/wire.ts";

/** The numbers of `input` and `render_input` in TaskSpec. */
const inputField = 5;
const renderInputField = 6;

export interface SpecParts {
  /** The spec without its input. */
  readonly rest: TaskSpec;
  readonly input: Payload | undefined;
}

/** Writes an encoded TaskSpec. */
export const specEncoder: Encoder<SpecParts> = {
  encode({ rest, input }, writer) {
    TaskSpec.encode(rest, writer);
    if (input) payloadEncoder.encode(input, writer.tag(inputField, wireType.lengthDelimited).fork()).join();
    return writer;
  },
};

export interface PartedSpec {
  /** The encoded Payload; undefined: the spec has none. */
  readonly input: Uint8Array | undefined;
  /** Whether templates in the input are to be replaced. */
  readonly rendersInput: boolean;
  /** The encoded spec without its input. */
  readonly rest: Uint8Array;
}

/** Neither part is decoded. */
export function partSpec(spec: Uint8Array): PartedSpec {
  const reader = new BinaryReader(spec);
  const rest: Uint8Array[] = [];
  let [restFrom, rendersInput] = [0, false];
  let input: Uint8Array | undefined;
  const keepTo = (end: number) => {
    if (end > restFrom) rest.push(spec.subarray(restFrom, end));
  };
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, type] = reader.tag();
    if (field === inputField) {
      keepTo(start);
      input = reader.bytes();
      restFrom = reader.pos;
    } else if (field === renderInputField) rendersInput = reader.bool();
    else reader.skip(type, field);
  }
  keepTo(spec.length);
  return { input, rendersInput, rest: rest.length === 1 ? (rest[0] as Uint8Array) : Buffer.concat(rest) };
}

/** The spec with this input. */
export function specWith(rest: Uint8Array, input: Payload): Uint8Array {
  const written = new BinaryWriter()
    .tag(inputField, wireType.lengthDelimited)
    .bytes(encoded(payloadEncoder, input));
  return Buffer.concat([rest, written.finish()]);
}
