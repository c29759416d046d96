/**
 * The way to Redis: one server, one that Sentinels name, or a cluster. It reconnects for ever. Nothing is queued while a
 * server is away, beyond a short wait for it to come back, and nothing is sent twice that may have taken effect: a call whose
 * answer was lost rejects with STORE_UNAVAILABLE and its outcome is unknown.
 */
import { systemClock } from "../../core/clock.ts";
import { parseRedisUrl, type RedisAddress } from "../../core/config/redis-url.ts";
import { MeshError } from "../../core/errors.ts";
import { ClusterRoute } from "./cluster.ts";
import { storeError } from "./errors.ts";
import { type Argument, commandTimeoutMs, type Link } from "./link.ts";
import type { ReplicasOptions } from "./replicas.ts";
import { type Route, ServerRoute } from "./route.ts";
import type { Script } from "./scripts.ts";

export type { Argument } from "./link.ts";

export interface ConnectionOptions {
  /** Replicas that must have a write before it is acknowledged. Default: none. */
  readonly replicas?: ReplicasOptions;
}

/** They concern a server, not a key. */
const keyless = new Set(["PING", "INFO", "CONFIG", "CLUSTER"]);
/** They write nothing; or, as ZREM from an outbox, nothing that is not done again when it is lost. */
const unwaited = new Set(["EXISTS", "HEXISTS", "HGET", "HMGET", "SMEMBERS", "ZREM"]);

/** For a connection that is being closed to be told so. */
const unsentPauseMs = 20;

/** What a server answered. */
export interface Told {
  /** Without credentials. */
  readonly address: string;
  readonly answer: unknown;
}

/** A call, made on the connection that its key leads to. */
type Send = (link: Link) => Promise<unknown>;

export class Connection {
  /** Without credentials. */
  readonly address: string;
  readonly kind: RedisAddress["kind"];
  readonly replicas: ReplicasOptions;
  readonly #route: Route;

  constructor(url: string, { replicas = { count: 0, timeoutMs: 0 } }: ConnectionOptions = {}) {
    const address = addressOf(url);
    this.address = address.shown;
    this.kind = address.kind;
    this.replicas = replicas;
    const context = { address: address.shown, isBusy: true, replicas };
    this.#route =
      address.kind === "cluster" ? new ClusterRoute(address, context) : new ServerRoute(address, context);
  }

  /** Begins to connect, and waits until that is done. */
  connect(): Promise<void> {
    return this.#route.connect();
  }

  /**
   * Runs a command on the server that has its first argument, the key; answers with buffers. PING is answered when every
   * server that takes writes has answered.
   */
  async call(command: string, ...args: Argument[]): Promise<unknown> {
    if (keyless.has(command)) return (await this.callEach(command, ...args))[0]?.answer;
    const isWaited = this.replicas.count > 0 && !unwaited.has(command);
    return this.#by(args[0] ?? "", (link) =>
      isWaited ? link.write(command, args) : link.send(command, args),
    );
  }

  /** Runs a script; `lastArg` is asked for when it is sent, which may be after a wait for the connection. */
  run(
    script: Script,
    key: string,
    { args, lastArg }: { readonly args: readonly Argument[]; readonly lastArg: () => Argument },
  ): Promise<unknown> {
    const isWaited = this.replicas.count > 0 && script.writes;
    const send = (link: Link) => {
      const all = [script.name, "1", key, ...args, lastArg()];
      return isWaited ? link.write("FCALL", all) : link.send("FCALL", all);
    };
    return this.#by(key, async (link) => {
      try {
        return await send(link);
      } catch (error) {
        if (!(error as Error).message.startsWith("ERR Function not found")) throw error;
        await Promise.all(script.libraries.map((one) => link.send("FUNCTION", ["LOAD", "REPLACE", one])));
        return send(link);
      }
    });
  }

  /** Runs a command that names no key on every server that takes writes. */
  async callEach(command: string, ...args: Argument[]): Promise<readonly Told[]> {
    const links = await this.#route.masters(systemClock.now() + commandTimeoutMs);
    const calls = links.map(async (link) => {
      try {
        return { address: link.address, answer: await link.send(command, args) };
      } catch (error) {
        throw storeError(error, link.address);
      }
    });
    return Promise.all(calls);
  }

  /** A connection of its own for hearing messages, not connected yet. */
  listener(): Link {
    return this.#route.listener();
  }

  /** Called when a server was lost: one that comes back, or takes its place, may lack the last writes. */
  onLost(lost: () => void): void {
    this.#route.onLost(lost);
  }

  close(): void {
    this.#route.close();
  }

  async #by(key: Argument, send: Send): Promise<unknown> {
    const endMs = systemClock.now() + commandTimeoutMs;
    for (;;) {
      const link = this.#route.ready(key) ?? (await this.#route.link(key, endMs));
      try {
        return await send(link);
      } catch (error) {
        const pauseMs = isUnsent(error as Error) ? unsentPauseMs : this.#route.again(error as Error);
        if (pauseMs === undefined || systemClock.now() + pauseMs >= endMs)
          throw storeError(error, link.address);
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }
}

/** Whether the connection was found closed, before a byte was written. */
function isUnsent({ message }: Error): boolean {
  return message.startsWith("Stream isn't writeable");
}

/** Refuses what is not an address of Redis. */
function addressOf(url: string): RedisAddress {
  const address = parseRedisUrl(url);
  if (address !== undefined) return address;
  const wanted =
    "redis://[user:password@]host:port/db, redis+cluster://host:port,host:port or " +
    "redis+sentinel://host:port,host:port/master, or rediss… for TLS";
  throw new MeshError("INVALID_CONFIG", `the store's address must be ${wanted}`);
}
