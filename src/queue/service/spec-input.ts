/** An encoded TaskSpec apart from its input, by its fields' places alone: neither is decoded. Pure. */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import { wireType } from "../../core/wire.ts";

/** The numbers of `input` and `render_input` in TaskSpec. */
const inputField = 5;
const renderInputField = 6;

export interface PartedSpec {
  /** The encoded Payload; undefined: the spec has none. */
  readonly input: Uint8Array | undefined;
  /** Whether templates in the input are to be replaced. */
  readonly rendersInput: boolean;
  /** The encoded spec without its input. */
  readonly rest: Uint8Array;
}

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
  const written = new BinaryWriter().tag(inputField, wireType.lengthDelimited).fork();
  return Buffer.concat([rest, Payload.encode(input, written).join().finish()]);
}
