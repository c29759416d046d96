/**
 * Waits until replicas have what was written on one connection. WAIT holds its connection up, so one goes out for all the
 * calls of a turn of the event loop, and no other before it is answered.
 */
import type { Redis } from "ioredis";
import { MeshError } from "../../core/errors.ts";

export interface ReplicasOptions {
  /** Replicas that must have a write before it is acknowledged; 0: none. */
  readonly count: number;
  readonly timeoutMs: number;
}

export class Replicas {
  readonly #redis: Redis;
  readonly #address: string;
  readonly #options: ReplicasOptions;
  /** Not sent yet: it will cover whatever is sent before it. */
  #next: Promise<void> | undefined;
  #inFlight: Promise<unknown> | undefined;
  /** Connections that were lost: a WAIT on a new one would say nothing of writes on an old one. */
  #losses = 0;

  constructor(redis: Redis, address: string, options: ReplicasOptions) {
    this.#redis = redis;
    this.#address = address;
    this.#options = options;
    redis.on("close", () => {
      this.#losses += 1;
      this.#next = undefined;
    });
  }

  /** Resolves when enough replicas have what was sent until now; rejects where they are too few in time. */
  have(): Promise<void> {
    this.#next ??= this.#wait();
    return this.#next;
  }

  async #wait(): Promise<void> {
    const losses = this.#losses;
    await (this.#inFlight ?? turnEnd());
    if (losses !== this.#losses || this.#redis.status !== "ready")
      throw new Error("the connection was lost before replicas confirmed what was written");
    this.#next = undefined;
    const { count, timeoutMs } = this.#options;
    const answer = this.#redis.callBuffer("WAIT", count, timeoutMs) as Promise<number>;
    this.#inFlight = answer.catch(() => {});
    const found = await answer.finally(() => {
      this.#inFlight = undefined;
    });
    if (found < count) throw this.#tooFew(found);
  }

  #tooFew(found: number): MeshError {
    const { count, timeoutMs } = this.#options;
    const message = `${found} of ${count} replicas of Redis at ${this.#address} had it within ${timeoutMs} ms`;
    return new MeshError("STORE_UNAVAILABLE", `${message}: whether it stays is unknown`, {
      metadata: { address: this.#address },
    });
  }
}

function turnEnd(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
