/**
 * One connection to one server. Nothing is queued while it is away, and nothing is sent twice: a call whose answer was lost
 * rejects, and its outcome is unknown.
 */
import type { Redis, RedisOptions } from "ioredis";
import { Deadlines } from "./deadlines.ts";
import { storeError } from "./errors.ts";
import { Replicas, type ReplicasOptions } from "./replicas.ts";

/** A call that has no answer after this long is given up; so is the wait for a connection. */
export const commandTimeoutMs = 2_000;
const reconnectMsMax = 1_000;

/** Of ioredis. A connection that was cut without a word is closed, and made anew. */
const timers = { commandTimeout: commandTimeoutMs, socketTimeout: 2 * commandTimeoutMs };
const noTimers = { commandTimeout: undefined, socketTimeout: undefined };

/** How every connection is made. */
export const linkOptions: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // Whoever subscribes does it again, and owns what comes of it; of ioredis' own attempt nobody would hear.
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  ...timers,
  connectTimeout: commandTimeoutMs,
  keepAlive: 10_000,
  // After a failover the same address may lead to a replica: connect anew.
  reconnectOnError: (error) => error.message.startsWith("READONLY"),
};

/** Milliseconds before the next try to connect; tries never end. */
export function reconnectMs(times: number): number {
  return Math.min(reconnectMsMax, 20 * 2 ** Math.min(times, 10));
}

export type Argument = string | number | Buffer;

export interface LinkContext {
  /** Without credentials. */
  readonly address: string;
  /** Used through {@link Link.send} alone, and often: ioredis sets no timers of its own for each command. */
  readonly isBusy: boolean;
  readonly replicas: ReplicasOptions;
}

export class Link {
  readonly redis: Redis;
  /** Without credentials. */
  readonly address: string;
  readonly #deadlines: Deadlines;
  readonly #replicas: Replicas | undefined;
  #lastError: Error | undefined;
  #isClosed = false;

  /** `redis` was made with {@link linkOptions}, and nothing is sent past this. */
  constructor(redis: Redis, { address, isBusy, replicas }: LinkContext) {
    this.redis = redis;
    this.address = address;
    this.#deadlines = new Deadlines({
      timeoutMs: commandTimeoutMs,
      onSilence: () => {
        if (redis.status === "ready") redis.disconnect(true);
      },
    });
    // Each call that waits for the connection listens.
    redis.setMaxListeners(0);
    redis.on("error", (error: Error) => {
      // The rest of a handshake whose connection was closed tells nothing that was not told before.
      if (!error.message.startsWith("Stream isn't writeable")) this.#lastError = error;
      // Without its database a connection would work in that of number 0.
      if (isOfSelect(error)) redis.disconnect(true);
    });
    redis.on("ready", () => {
      this.#lastError = undefined;
      // They have guarded the handshake; what comes now has a deadline.
      if (isBusy) Object.assign(redis.options, noTimers);
    });
    if (isBusy) redis.on("close", () => Object.assign(redis.options, timers));
    if (replicas.count > 0) this.#replicas = new Replicas(redis, address, replicas);
  }

  get isReady(): boolean {
    return this.redis.status === "ready";
  }

  /** Connects where nobody has, and waits until that is done. */
  ready(waitMs = commandTimeoutMs): Promise<void> {
    const { redis } = this;
    if (redis.status === "wait") redis.connect().catch(() => {});
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        redis.off("ready", arrived);
        redis.off("end", ended);
        act();
      };
      const refuse = (why: string) => settle(() => reject(storeError(new Error(why), this.address)));
      const arrived = () => settle(resolve);
      const ended = () => refuse(this.#lastError?.message || "the connection is closed");
      const gaveUp = () => refuse(this.#lastError?.message || `no connection within ${waitMs} ms`);
      const timer = setTimeout(gaveUp, waitMs);
      redis.once("ready", arrived);
      redis.once("end", ended);
      if (redis.status === "ready") arrived();
      if (redis.status === "end") ended();
    });
  }

  /** Sends a command that writes nothing, or nothing that matters; answers with buffers. */
  send(command: string, args: readonly Argument[]): Promise<unknown> {
    return this.within(this.redis.callBuffer(command, ...args));
  }

  /** Sends a command whose answer acknowledges a write: it comes when enough replicas have the write. */
  async write(command: string, args: readonly Argument[]): Promise<unknown> {
    const answer = this.send(command, args);
    if (this.#replicas === undefined) return answer;
    const [value] = await Promise.all([answer, this.within(this.#replicas.have())]);
    return value;
  }

  /** The answer to a command, in time. */
  within<T>(answer: Promise<T>): Promise<T> {
    return this.#deadlines.within(answer);
  }

  /** Begins anew where ioredis ends: a fail-over that Sentinels tell of while it connects ends it for good. */
  neverEnds(): this {
    this.redis.on("end", () => {
      if (!this.#isClosed) setTimeout(() => this.#revive(), reconnectMsMax).unref();
    });
    return this;
  }

  close(): void {
    this.#isClosed = true;
    this.redis.disconnect();
  }

  #revive(): void {
    if (!this.#isClosed && this.redis.status === "end") this.redis.connect().catch(() => {});
  }
}

/** Whether Redis refused to choose the database that the address names. */
function isOfSelect(error: Error & { readonly command?: { readonly name: string } }): boolean {
  return error.command?.name === "select";
}
