/** Which connection a key's commands go by. Two kinds: one server, and cluster.ts. */
import { Redis, type RedisOptions } from "ioredis";
import type { RedisAddress } from "../../core/config/redis-url.ts";
import { type Argument, Link, type LinkContext, linkOptions, reconnectMs } from "./link.ts";

export interface Route {
  /** Begins to connect, and waits until that is done. */
  connect(): Promise<void>;
  /** The connection to the server that has the key, where it is ready. */
  ready(key: Argument): Link | undefined;
  /** The same, after a wait; rejects with STORE_UNAVAILABLE when none is ready at `endMs` of the system's clock. */
  link(key: Argument, endMs: number): Promise<Link>;
  /**
   * Milliseconds to wait before a call that was refused with this error is sent again; undefined: never. A call that may
   * be sent again did nothing.
   */
  again(error: Error): number | undefined;
  /** Connections to every server that takes writes; rejects with STORE_UNAVAILABLE when one is not ready at `endMs`. */
  masters(endMs: number): Promise<readonly Link[]>;
  /** A connection of its own for hearing messages, not connected yet. */
  listener(): Link;
  /** Called when a server was lost: one that comes back may have lost what it had. */
  onLost(lost: () => void): void;
  close(): void;
}

/** A server whose address stays, or whose address Sentinels tell. */
export class ServerRoute implements Route {
  readonly #address: RedisAddress;
  readonly #context: LinkContext;
  readonly #link: Link;

  constructor(address: RedisAddress, context: LinkContext) {
    this.#address = address;
    this.#context = context;
    this.#link = this.#make(context);
  }

  connect(): Promise<void> {
    return this.#link.ready();
  }

  ready(): Link | undefined {
    return this.#link.isReady ? this.#link : undefined;
  }

  async link(): Promise<Link> {
    if (!this.#link.isReady) await this.#link.ready();
    return this.#link;
  }

  again(): undefined {
    return undefined;
  }

  async masters(): Promise<readonly Link[]> {
    return [await this.link()];
  }

  listener(): Link {
    return this.#make({ ...this.#context, isBusy: false });
  }

  onLost(lost: () => void): void {
    this.#link.redis.on("close", lost);
  }

  close(): void {
    this.#link.close();
  }

  #make(context: LinkContext): Link {
    const options = { ...linkOptions, ...credentialsOf(this.#address), retryStrategy: reconnectMs };
    return new Link(new Redis({ ...options, ...placeOf(this.#address) }), context).neverEnds();
  }
}

/** Who asks, and whether by TLS. */
export function credentialsOf({ username, password, tls }: RedisAddress): RedisOptions {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
}

function placeOf({ kind, hosts, database, masterName = "", tls }: RedisAddress): RedisOptions {
  if (kind !== "sentinel") return { ...hosts[0], db: database };
  return {
    sentinels: [...hosts],
    name: masterName,
    db: database,
    // Sentinels tell of a failover before the old server's connection ends, if that ever does.
    failoverDetector: true,
    sentinelRetryStrategy: reconnectMs,
    sentinelCommandTimeout: 1_000,
    ...(tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
  };
}
