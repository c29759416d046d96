/** Fields in their wire form, for messages that are made so often that an object in between would cost more than the message. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";

/** How a field's value is written. */
export const wireType = { varint: 0, lengthDelimited: 2 } as const;

/** An int64, or an int32, that is not negative. The generated code goes by BigInt, since it must take any. */
export function writeWhole(writer: BinaryWriter, value: number): void {
  if (value <= 0xffff_ffff) writer.uint32(value);
  else writer.int64(value);
}
