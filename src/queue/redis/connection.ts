/**
 * Connections to Redis that reconnect for ever. Nothing is queued while Redis is away, beyond a short wait for it to come
 * back, and nothing is sent twice: a call whose answer was lost rejects with STORE_UNAVAILABLE and its outcome is unknown.
 */
import { Redis } from "ioredis";
import { MeshError } from "../../core/errors.ts";
import { Deadlines } from "./deadlines.ts";
import { storeError } from "./errors.ts";
import type { Script } from "./scripts.ts";

/** A call that has no answer after this long is given up; so is the wait for a connection. */
const commandTimeoutMs = 2_000;
const reconnectMsMax = 1_000;

/** Of ioredis. A connection that was cut without a word is closed, and made anew. */
const timers = { commandTimeout: commandTimeoutMs, socketTimeout: 2 * commandTimeoutMs };
const noTimers = { commandTimeout: undefined, socketTimeout: undefined };

export type Argument = string | number | Buffer;

export interface ConnectionOptions {
  /** Used through {@link Connection.call} and its like alone, and often: ioredis sets no timers of its own for each command. */
  readonly isBusy?: boolean;
}

export class Connection {
  readonly redis: Redis;
  /** Without credentials. */
  readonly address: string;
  readonly #deadlines: Deadlines;
  #lastError: Error | undefined;

  constructor(url: string, { isBusy = false }: ConnectionOptions = {}) {
    this.address = addressOf(url);
    this.redis = new Redis(url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      // Whoever subscribes does it again, and owns what comes of it; of ioredis' own attempt nobody would hear.
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      ...timers,
      connectTimeout: commandTimeoutMs,
      keepAlive: 10_000,
      retryStrategy: (times) => Math.min(reconnectMsMax, 20 * 2 ** Math.min(times, 10)),
      // After a failover the same address may lead to a replica: connect anew.
      reconnectOnError: (error) => error.message.startsWith("READONLY"),
    });
    this.#deadlines = new Deadlines({
      timeoutMs: commandTimeoutMs,
      onSilence: () => {
        if (this.redis.status === "ready") this.redis.disconnect(true);
      },
    });
    this.redis.on("error", (error: Error) => {
      // The rest of a handshake whose connection was closed tells nothing that was not told before.
      if (!error.message.startsWith("Stream isn't writeable")) this.#lastError = error;
      // Without its database a connection would work in that of number 0.
      if (isOfSelect(error)) this.redis.disconnect(true);
    });
    this.redis.on("ready", () => {
      this.#lastError = undefined;
      // They have guarded the handshake; what comes now has a deadline.
      if (isBusy) Object.assign(this.redis.options, noTimers);
    });
    if (isBusy) this.redis.on("close", () => Object.assign(this.redis.options, timers));
  }

  /** Begins to connect, and waits until that is done. */
  async connect(): Promise<void> {
    this.redis.connect().catch(() => {});
    await this.#ready();
  }

  /** Runs a command; answers with buffers. */
  async call(command: string, ...args: Argument[]): Promise<unknown> {
    if (this.redis.status !== "ready") await this.#ready();
    try {
      return await this.within(this.redis.callBuffer(command, ...args));
    } catch (error) {
      throw storeError(error, this.address);
    }
  }

  /** The answer to a command, in time. */
  within<T>(answer: Promise<T>): Promise<T> {
    return this.#deadlines.within(answer);
  }

  /** Runs a script; `lastArg` is asked for when it is sent, which may be after a wait for the connection. */
  async run(
    script: Script,
    key: string,
    { args, lastArg }: { readonly args: readonly Argument[]; readonly lastArg: () => Argument },
  ): Promise<unknown> {
    if (this.redis.status !== "ready") await this.#ready();
    try {
      return await this.within(this.redis.callBuffer("FCALL", script.name, "1", key, ...args, lastArg()));
    } catch (error) {
      if (!(error as Error).message.startsWith("ERR Function not found"))
        throw storeError(error, this.address);
      await this.call("FUNCTION", "LOAD", "REPLACE", script.library);
      return this.call("FCALL", script.name, 1, key, ...args, lastArg());
    }
  }

  close(): void {
    this.redis.disconnect();
  }

  #ready(): Promise<void> {
    const { redis } = this;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        redis.off("ready", arrived);
        redis.off("end", ended);
        act();
      };
      const refuse = (why: string) => settle(() => reject(storeError(new Error(why), this.address)));
      const arrived = () => settle(resolve);
      const ended = () => refuse("the connection is closed");
      const gaveUp = () => refuse(this.#lastError?.message || `no connection within ${commandTimeoutMs} ms`);
      const timer = setTimeout(gaveUp, commandTimeoutMs);
      redis.once("ready", arrived);
      redis.once("end", ended);
      if (redis.status === "end") ended();
    });
  }
}

/** Whether Redis refused to choose the database that the address names. */
function isOfSelect(error: Error & { readonly command?: { readonly name: string } }): boolean {
  return error.command?.name === "select";
}

/** The address without credentials; refuses what is not an address of Redis. */
function addressOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !["redis:", "rediss:"].includes(parsed.protocol)) {
    const wanted = "redis://[user:password@]host:port/db, or rediss://… for TLS";
    throw new MeshError("INVALID_CONFIG", `the store's address must be ${wanted}`);
  }
  const path = parsed.pathname === "/" ? "" : parsed.pathname;
  return `${parsed.protocol}//${parsed.hostname}:${parsed.port || "6379"}${path}`;
}
