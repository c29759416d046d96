/** Byte strings packed into one, so that many cost SQLite one row: their lengths first, of four bytes each, then they. */

const lengthBytes = 4;

export class Packed {
  readonly bytes: Uint8Array;
  /** Where each begins, and where the last ends. */
  readonly #offsets: Uint32Array;

  constructor(bytes: Uint8Array, count: number) {
    this.bytes = bytes;
    this.#offsets = new Uint32Array(count + 1);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let offset = lengthBytes * count;
    for (let place = 0; place < count; place++) {
      this.#offsets[place] = offset;
      offset += view.getUint32(lengthBytes * place, true);
    }
    this.#offsets[count] = offset;
  }

  /** A view, not a copy. */
  at(place: number): Uint8Array {
    return this.bytes.subarray(this.#offsets[place], this.#offsets[place + 1]);
  }
}

export function pack(parts: readonly Uint8Array[]): Packed {
  let size = lengthBytes * parts.length;
  for (const part of parts) size += part.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let offset = lengthBytes * parts.length;
  parts.forEach((part, place) => {
    view.setUint32(lengthBytes * place, part.length, true);
    bytes.set(part, offset);
    offset += part.length;
  });
  return new Packed(bytes, parts.length);
}
