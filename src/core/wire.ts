/** Messages in their wire form, for those that are made so often that an object in between would cost more than the message. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** How a field's value is written. */
export const wireType = { varint: 0, lengthDelimited: 2 } as const;

/** A buffer that has grown beyond this is let go of. */
const keptBytesMax = 1_048_576;
/** Away while it is written to. */
let idle: BinaryWriter | undefined;

/** What `write` writes, in a buffer of its own. A new writer for each message would grow to its size from nothing each time. */
export function encoded(write: (writer: BinaryWriter) => unknown): Buffer {
  const writer = idle ?? new BinaryWriter();
  idle = undefined;
  write(writer);
  const bytes = writer.finish();
  if (bytes.length <= keptBytesMax) idle = writer;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An int64, or an int32, that is not negative. The generated code goes by BigInt, since it must take any. */
export function writeWhole(writer: BinaryWriter, value: number): void {
  if (value <= 0xffff_ffff) writer.uint32(value);
  else writer.int64(value);
}
