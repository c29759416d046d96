/** An encoded TaskSpec apart from its input, by its fields' places alone: neither is decoded. Pure. */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";

/** The number of `input` in TaskSpec. */
const inputField = 5;
/** How a message within a message is written. */
const lengthDelimited = 2;

export interface PartedSpec {
  /** The encoded Payload; undefined: the spec has none. */
  readonly input: Uint8Array | undefined;
  /** The encoded spec without it. */
  readonly rest: Uint8Array;
}

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
  const written = new BinaryWriter().tag(inputField, lengthDelimited).bytes(Payload.encode(input).finish());
  return Buffer.concat([rest, written.finish()]);
}
