/**
 * Chunks: the specs of tasks that come together lie in one value, since a value costs Redis more than what is in it. Index
 * first (its bytes u16, a count u8, then each task's unique part and its spec's length), then the specs.
 */
import { Writer } from "./bytes.ts";

/** A chunk is full with these: reading one task of it reads its index, and it stays until its last task is deleted. */
const chunkBytesMax = 16_384;
const chunkTasksMax = 100;
const headBytes = 3;

export class ChunkWriter {
  readonly #done: Buffer[] = [];
  #index = new Writer(512).u16(0).u8(0);
  #specs: Uint8Array[] = [];
  #specBytes = 0;

  /** Bytes of all that was added. */
  bytes = 0;

  add(unique: string, spec: Uint8Array): void {
    const isFull = this.#specs.length === chunkTasksMax || this.#specBytes + spec.length > chunkBytesMax;
    if (isFull && this.#specs.length > 0) this.#close();
    this.#index.text8(unique).u32(spec.length);
    this.#specs.push(spec);
    this.#specBytes += spec.length;
    this.bytes += spec.length;
  }

  done(): Buffer[] {
    if (this.#specs.length > 0) this.#close();
    return this.#done;
  }

  #close(): void {
    const index = this.#index.done();
    index.writeUInt16BE(index.length, 0);
    index[headBytes - 1] = this.#specs.length;
    this.#done.push(Buffer.concat([index, ...this.#specs], index.length + this.#specBytes));
    this.#index = new Writer(512).u16(0).u8(0);
    this.#specs = [];
    this.#specBytes = 0;
  }
}
