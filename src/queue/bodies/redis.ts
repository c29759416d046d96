/**
 * Bodies as strings of Redis. Names stand in sorted sets besides, so that bodies can be listed without a look at every key of
 * the queue; a set and the bodies that it lists share a hash slot. A name is entered before its body is, so that no body is
 * ever unlisted.
 *
 *   PREFIX:body:{SHARD}         zset     the names of one of 64 shards
 *   PREFIX:body:{SHARD}:NAME    string   a body
 */
import { createHash } from "node:crypto";
import type { BodyPage, BodyStore, BodyStoreDescription } from "../bodies.ts";
import { type Argument, Connection } from "../redis/connection.ts";

const shardsMax = 64;

export interface RedisBodiesOptions {
  /** `redis://[user:password@]host:port/db`, or rediss:// for TLS. */
  readonly url: string;
  /** Every key begins with it. Default: "am". */
  readonly prefix?: string;
}

/** Begins to connect and goes on for ever; calls wait for a connection for two seconds. */
export function redisBodies({ url, prefix = "am" }: RedisBodiesOptions): BodyStore {
  // Of its own: a body on its way must not hold up the queue's calls.
  const connection = new Connection(url);
  return new RedisBodies(connection, prefix);
}

class RedisBodies implements BodyStore {
  readonly #connection: Connection;
  readonly #prefix: string;
  /** Resolves once the first attempt to connect has ended, well or not. */
  readonly #attempted: Promise<void>;

  constructor(connection: Connection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#attempted = connection.connect().catch(() => {});
  }

  describe(): BodyStoreDescription {
    const durability = "a body is as safe as that Redis keeps its data, and takes its memory";
    return { kind: "redis", address: this.#connection.address, durability };
  }

  uriOf(name: string): string {
    return `${this.#connection.address}#${this.#prefix}/${name}`;
  }

  async ping(): Promise<void> {
    await this.#call("PING");
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const shard = shardOf(name);
    await this.#call("ZADD", this.#listOf(shard), 0, name);
    await this.#call("SET", this.#keyOf(shard, name), Buffer.from(bytes));
  }

  async get(name: string): Promise<Buffer | undefined> {
    const value = await this.#call("GET", this.#keyOf(shardOf(name), name));
    return value === null ? undefined : (value as Buffer);
  }

  async delete(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const shard = shardOf(name);
      await this.#call("UNLINK", this.#keyOf(shard, name));
      await this.#call("ZREM", this.#listOf(shard), name);
    }
  }

  /** A cursor is the shard, and the last name that was read of it. */
  async list({
    limit,
    cursor = "0:",
  }: {
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<BodyPage> {
    const colon = cursor.indexOf(":");
    let after = cursor.slice(colon + 1);
    const names: string[] = [];
    for (let shard = Number(cursor.slice(0, colon)); shard < shardsMax; shard++) {
      const from = after === "" ? "-" : `(${after}`;
      const bounds = [from, "+", "BYLEX", "LIMIT", 0, limit - names.length] as const;
      const found = (await this.#call("ZRANGE", this.#listOf(shard), ...bounds)) as Buffer[];
      names.push(...found.map(String));
      if (names.length >= limit) return { names, cursor: `${shard}:${names.at(-1)}` };
      after = "";
    }
    return { names };
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async #call(command: string, ...args: Argument[]): Promise<unknown> {
    await this.#attempted;
    return this.#connection.call(command, ...args);
  }

  #listOf(shard: number): string {
    return `${this.#prefix}:body:{${shard}}`;
  }

  #keyOf(shard: number, name: string): string {
    return `${this.#listOf(shard)}:${name}`;
  }
}

function shardOf(name: string): number {
  return (createHash("sha256").update(name).digest()[0] as number) % shardsMax;
}
