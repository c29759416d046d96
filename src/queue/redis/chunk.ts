/**
 * Chunks: the specs of tasks that come together lie in one value, since a value costs Redis more than what is in it. Index
 * first (lua/include/runs.lua has its format), then the specs.
 */
/** A chunk is full with these: reading one task of it reads its index, and it stays until its last task is deleted. */
const chunkBytesMax = 16_384;
const chunkTasksMax = 100;
const headBytes = 4;

export class ChunkWriter {
  readonly #done: Buffer[] = [];
  #uniques: string[] = [];
  #specs: Uint8Array[] = [];
  #specBytes = 0;

  /** Bytes of all that was added. */
  bytes = 0;

  add(unique: string, spec: Uint8Array): void {
    const isFull = this.#specs.length === chunkTasksMax || this.#specBytes + spec.length > chunkBytesMax;
    if (isFull && this.#specs.length > 0) this.#close();
    this.#uniques.push(unique);
    this.#specs.push(spec);
    this.#specBytes += spec.length;
    this.bytes += spec.length;
  }

  done(): Buffer[] {
    if (this.#specs.length > 0) this.#close();
    return this.#done;
  }

  #close(): void {
    const uniques = this.#uniques;
    const count = uniques.length;
    const first = (uniques[0] as string).length;
    // Unique parts are ASCII. Of one width, as they mostly are, each is found without a look at those before it.
    const width = uniques.every((unique) => unique.length === first) ? first : 0;
    const names =
      width > 0 ? uniques.join("") : uniques.map((one) => String.fromCharCode(one.length) + one).join("");
    const indexBytes = headBytes + names.length + 4 * count;
    const chunk = Buffer.allocUnsafe(indexBytes + this.#specBytes);
    chunk.writeUInt16BE(indexBytes, 0);
    chunk[2] = count;
    chunk[3] = width;
    chunk.write(names, headBytes, "latin1");
    let lengthAt = headBytes + names.length;
    let specAt = indexBytes;
    for (const spec of this.#specs) {
      chunk.writeUInt32BE(spec.length, lengthAt);
      chunk.set(spec, specAt);
      lengthAt += 4;
      specAt += spec.length;
    }
    this.#done.push(chunk);
    this.#uniques = [];
    this.#specs = [];
    this.#specBytes = 0;
  }
}
