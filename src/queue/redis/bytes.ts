/** Writes and reads packed bytes, big-endian, in the formats that the scripts pack and parse with Redis' `struct`. */

const noFence = 0xffff_ffff;
const countMax = 0xffff;

export class Writer {
  #buffer: Buffer;
  #length = 0;

  constructor(size = 256) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#buffer[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#buffer.writeUInt16BE(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#buffer.writeUInt32BE(value, at);
    return this;
  }

  /** A fence; one that no task can have is written as one that none has, so that it is refused by itself. */
  fence(value: number): this {
    return this.u32(Number.isInteger(value) && value >= 0 && value < noFence ? value : noFence);
  }

  /** A count or a length: two bytes, or, from 65,535 on, that and four more. */
  count(value: number): this {
    return value < countMax ? this.u16(value) : this.u16(countMax).u32(value);
  }

  u40(value: number): this {
    const at = this.#grow(5);
    this.#buffer.writeUIntBE(value, at, 5);
    return this;
  }

  u48(value: number): this {
    const at = this.#grow(6);
    this.#buffer.writeUIntBE(value, at, 6);
    return this;
  }

  /** Milliseconds to wait, rounded up; what is further than 4,000 years off is as good as for ever. */
  delay(ms: number): this {
    return this.u48(Math.min(2 ** 47, Math.max(0, Math.ceil(ms))));
  }

  f64(value: number): this {
    const at = this.#grow(8);
    this.#buffer.writeDoubleBE(value, at);
    return this;
  }

  /** ASCII, without its length. */
  latin1(value: string): this {
    const at = this.#grow(value.length);
    this.#buffer.write(value, at, "latin1");
    return this;
  }

  /** A string with its length in one byte. */
  text8(value: string): this {
    return this.u8(Buffer.byteLength(value)).#text(value);
  }

  text16(value: string): this {
    return this.u16(Buffer.byteLength(value)).#text(value);
  }

  /** A string with its length as {@link count} writes it. */
  text(value: string): this {
    return this.count(Buffer.byteLength(value)).#text(value);
  }

  text32(value: string): this {
    return this.u32(Buffer.byteLength(value)).#text(value);
  }

  blob32(value: Uint8Array): this {
    return this.u32(value.length).raw(value);
  }

  raw(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#buffer.set(value, at);
    return this;
  }

  done(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #text(value: string): this {
    const at = this.#grow(Buffer.byteLength(value));
    this.#buffer.write(value, at, "utf8");
    return this;
  }

  #grow(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    return at;
  }
}

export class Reader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer;
    this.#at = at;
  }

  /** The position. */
  get at(): number {
    return this.#at;
  }

  get ended(): boolean {
    return this.#at >= this.#buffer.length;
  }

  u8(): number {
    return this.#buffer[this.#step(1)] as number;
  }

  u16(): number {
    return this.#buffer.readUInt16BE(this.#step(2));
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#step(4));
  }

  count(): number {
    const value = this.u16();
    return value < countMax ? value : this.u32();
  }

  u40(): number {
    return this.#buffer.readUIntBE(this.#step(5), 5);
  }

  u48(): number {
    return this.#buffer.readUIntBE(this.#step(6), 6);
  }

  f64(): number {
    return this.#buffer.readDoubleBE(this.#step(8));
  }

  skip(size: number): void {
    this.#step(size);
  }

  text8(): string {
    return this.#text(this.u8());
  }

  text16(): string {
    return this.#text(this.u16());
  }

  text(): string {
    return this.#text(this.count());
  }

  text32(): string {
    return this.#text(this.u32());
  }

  blob8(): Buffer {
    return this.#blob(this.u8());
  }

  view(size: number): Buffer {
    return this.#blob(size);
  }

  blob32(): Buffer {
    return this.#blob(this.u32());
  }

  /** ASCII of a known length. */
  latin1(size: number): string {
    const at = this.#step(size);
    return this.#buffer.toString("latin1", at, at + size);
  }

  /** What is left, as text. */
  restText(): string {
    return this.#text(this.#buffer.length - this.#at);
  }

  rest(): Buffer {
    return this.#blob(this.#buffer.length - this.#at);
  }

  #blob(size: number): Buffer {
    const at = this.#step(size);
    return this.#buffer.subarray(at, at + size);
  }

  #text(size: number): string {
    const at = this.#step(size);
    return this.#buffer.toString("utf8", at, at + size);
  }

  #step(size: number): number {
    const at = this.#at;
    this.#at += size;
    return at;
  }
}
