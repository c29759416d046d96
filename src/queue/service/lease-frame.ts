/** A Lease in its wire form, around the bytes that the store has of its task: neither its spec nor its payloads are decoded. */
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { encoded } from "../../core/encode.ts";
import { wireType, writeWhole } from "../../core/wire.ts";
import type { LeasedTask } from "../store.ts";

/** A leased task with all that its worker is handed, payloads whole. */
export interface ReadyLease {
  readonly task: LeasedTask;
  /** The encoded TaskSpec without its input. */
  readonly spec: Uint8Array;
  /** The encoded Payload; undefined: there is none. */
  readonly input: Uint8Array | undefined;
  /** Likewise. */
  readonly resumeState: Uint8Array | undefined;
}

/** The numbers of Lease's fields. */
const field = {
  term: 1,
  attempt: 2,
  spec: 3,
  input: 4,
  lease: 5,
  queueTime: 6,
  deadline: 7,
  resumeState: 8,
} as const;

/** What a lease has besides its spec and its payloads, at most. */
const otherBytesMax = 192;

/** About how many bytes it has on the wire. */
export function bytesOf({ spec, input, resumeState }: ReadyLease): number {
  return spec.length + (input?.length ?? 0) + (resumeState?.length ?? 0) + otherBytesMax;
}

/** The lease as a message of its own. */
export function encodedLease(lease: ReadyLease): Buffer {
  return encoded({ encode: writeLease }, lease);
}

export function writeLease(
  { task, spec, input, resumeState }: ReadyLease,
  writer: BinaryWriter,
): BinaryWriter {
  writer.tag(field.term, wireType.lengthDelimited).fork();
  writer.tag(1, wireType.lengthDelimited).string(task.id);
  writeCount(writer, 2, task.fence);
  writer.join();
  writeCount(writer, field.attempt, task.attempt);
  writeBytes(writer, field.spec, spec);
  writeBytes(writer, field.input, input);
  writeTime(writer, field.lease, task.leaseMs);
  writeTime(writer, field.queueTime, task.queuedMs);
  writeTime(writer, field.deadline, task.timeouts.toFinishMs);
  writeBytes(writer, field.resumeState, resumeState);
  return writer;
}

function writeBytes(writer: BinaryWriter, number: number, bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) writer.tag(number, wireType.lengthDelimited).bytes(bytes);
}

function writeCount(writer: BinaryWriter, number: number, value: number): void {
  if (value === 0) return;
  writer.tag(number, wireType.varint);
  writeWhole(writer, value);
}

/** A Duration or a Timestamp: both are seconds and nanoseconds. */
function writeTime(writer: BinaryWriter, number: number, ms: number | undefined): void {
  if (ms === undefined) return;
  const seconds = Math.trunc(ms / 1_000);
  writer.tag(number, wireType.lengthDelimited).fork();
  writeCount(writer, 1, seconds);
  writeCount(writer, 2, Math.round((ms - seconds * 1_000) * 1_000_000));
  writer.join();
}
