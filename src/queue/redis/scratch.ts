/**
 * Buffers that are used again. One that is larger than Node's pool is memory outside V8's heap, which its collector frees late and
 * in long pauses.
 */

/** Kept free; what is over goes to the collector. */
const freeMax = 16;
const bytesMin = 32_768;
const bytesMax = 262_144;

export class Scratch {
  readonly #free: Buffer[] = [];
  readonly #taken = new WeakMap<Buffer, Buffer>();

  /** Unset bytes, of a buffer of {@link bytesMin} at least where they are not too many. */
  take(bytes: number): Buffer {
    if (bytes > bytesMax) return Buffer.allocUnsafe(bytes);
    const at = this.#free.findIndex((buffer) => buffer.length >= bytes);
    const [whole] =
      at === -1 ? [Buffer.allocUnsafeSlow(Math.max(bytesMin, bytes))] : this.#free.splice(at, 1);
    const taken = (whole as Buffer).subarray(0, bytes);
    this.#taken.set(taken, whole as Buffer);
    return taken;
  }

  /** Nobody uses it any more. */
  giveBack(taken: Buffer): void {
    const whole = this.#taken.get(taken);
    this.#taken.delete(taken);
    if (whole !== undefined && this.#free.length < freeMax) this.#free.push(whole);
  }
}
