/**
 * Messages as bytes, for what is done to every task. A writer of its own and a buffer of its own for each message cost more than
 * the writing: memory outside of V8's heap is dear to take and dear to give back.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** The half of a generated message that writes it. */
export interface Encoder<Message> {
  encode(message: Message, writer: BinaryWriter): BinaryWriter;
}

/** A writer whose buffer has grown over this is not kept for the next message. */
const keptBytesMax = 1_048_576;

/** What a writer keeps to itself. */
interface WriterState {
  readonly buffer: Uint8Array;
  pos: number;
}

/** Writes one message after the other in one buffer; the bytes of each are copied to Node's pool. */
class SharedWriter extends BinaryWriter {
  override finish(): Buffer<ArrayBuffer> {
    const state = this.#state;
    const bytes = Buffer.allocUnsafe(state.pos);
    bytes.set(state.buffer.subarray(0, state.pos));
    state.pos = 0;
    return bytes;
  }

  get isLarge(): boolean {
    return this.#state.buffer.length > keptBytesMax;
  }

  get #state(): WriterState {
    return this as unknown as WriterState;
  }
}

let shared = new SharedWriter();

/** The message's bytes. Throws for a value that it cannot have. */
export function encoded<Message>(message: Encoder<Message>, value: Message): Buffer {
  let isSound = false;
  try {
    message.encode(value, shared);
    const bytes = shared.finish();
    isSound = !shared.isLarge;
    return bytes;
  } finally {
    // What was given up half-way is not to be found by the next.
    if (!isSound) shared = new SharedWriter();
  }
}
