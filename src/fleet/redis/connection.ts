/**
 * The registry's way to Redis: one server, one that Sentinels name, or a cluster. It reconnects for ever, keeps nothing for
 * later while a server is away, and gives a call up after two seconds. Unlike the queue's it may send a call twice: every script
 * of the registry does the same when it is done again.
 */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { parseRedisUrl, type RedisAddress } from "../../core/config/redis-url.ts";
import { MeshError } from "../../core/errors.ts";
import { registryError } from "./errors.ts";
import type { Script } from "./scripts.ts";

/** A call that has no answer after this long is given up; so is the wait for a connection. */
const timeoutMs = 2_000;

/** Milliseconds before the next try to connect; tries never end. */
function reconnectMs(times: number): number {
  return Math.min(1_000, 20 * 2 ** Math.min(times, 10));
}

const serverOptions: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  commandTimeout: timeoutMs,
  socketTimeout: 2 * timeoutMs,
  connectTimeout: timeoutMs,
  keepAlive: 10_000,
  // After a fail-over the same address may lead to a replica: connect anew.
  reconnectOnError: (error) => error.message.startsWith("READONLY"),
};

export class Connection {
  /** Without credentials. */
  readonly address: string;
  readonly #client: Redis | Cluster;
  /** Hears the channel; a cluster's client does it by a connection that it keeps for that. */
  readonly #hearing: Redis | Cluster;
  #lastError: Error | undefined;
  #isClosed = false;

  constructor(url: string) {
    const address = parseRedisUrl(url);
    if (address === undefined)
      throw new MeshError("INVALID_CONFIG", "the registry's address must be one of Redis");
    this.address = address.shown;
    this.#client = clientOf(address);
    this.#hearing = address.kind === "cluster" ? this.#client : clientOf(address);
    for (const client of new Set([this.#client, this.#hearing])) this.#tend(client);
    this.#client.setMaxListeners(0);
  }

  /** Begins to connect, and waits until that is done. */
  async connect(): Promise<void> {
    await this.#within(this.#ready());
  }

  /** Runs a script on the server that has `key`; answers with texts. */
  run({ sha1, source }: Script, key: string, args: readonly (string | number)[]): Promise<unknown> {
    const send = (command: "EVALSHA" | "EVAL", script: string) =>
      this.#client.call(command, script, 1, key, ...args);
    const running = async () => {
      await this.#ready();
      try {
        return await send("EVALSHA", sha1);
      } catch (error) {
        if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
        return send("EVAL", source);
      }
    };
    return this.#within(running());
  }

  /** Runs a command that names no key, on any server. */
  ask(command: string, ...args: readonly string[]): Promise<unknown> {
    return this.#within(this.#ready().then(() => this.#client.call(command, ...args)));
  }

  /** Calls `hint` for each message of the channel, and when the channel is heard again after a loss. */
  hear(channel: string, hint: () => void): void {
    const hearing = this.#hearing;
    hearing.on("message", hint);
    const subscribe = () => {
      // Where the connection is lost again, this runs again when it is back; until then whoever listens looks by itself.
      hearing.subscribe(channel).then(hint, () => {});
    };
    hearing.on("ready", subscribe);
    if (hearing.status === "ready") subscribe();
    else this.#begin(hearing);
  }

  close(): void {
    this.#isClosed = true;
    this.#client.disconnect();
    this.#hearing.disconnect();
  }

  #tend(client: Redis | Cluster): void {
    client.on("error", (error: Error & { lastNodeError?: Error }) => {
      // The rest of a handshake whose connection was closed tells nothing that was not told before.
      if (!error.message.startsWith("Stream isn't writeable")) this.#lastError = error.lastNodeError ?? error;
      // Without its database a connection would work in that of number 0.
      if (isOfSelect(error) && client instanceof Redis) client.disconnect(true);
    });
    client.on("ready", () => {
      this.#lastError = undefined;
    });
    // Begins anew where ioredis ends: a fail-over that Sentinels tell of while it connects ends it for good.
    client.on("end", () => {
      if (!this.#isClosed) setTimeout(() => this.#isClosed || this.#begin(client), reconnectMs(10)).unref();
    });
  }

  #begin(client: Redis | Cluster): void {
    if (client.status === "wait" || client.status === "end") client.connect().catch(() => {});
  }

  async #ready(): Promise<void> {
    const client = this.#client;
    if (client.status === "ready") return;
    this.#begin(client);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    client.once("ready", resolve);
    const timer = setTimeout(() => reject(this.#why("no connection")), timeoutMs);
    try {
      await promise;
    } finally {
      client.off("ready", resolve);
      clearTimeout(timer);
    }
  }

  /** The answer in time, or an error of the mesh. */
  async #within<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.#late()), timeoutMs);
    answer.catch(() => {});
    try {
      return await Promise.race([answer, late]);
    } catch (error) {
      throw registryError(error, this.address);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A server that was stopped where it is keeps its connections open: they are made anew. */
  #late(): Error {
    const client = this.#client;
    if (client instanceof Redis && client.status === "ready") client.disconnect(true);
    return this.#why("no answer");
  }

  #why(what: string): Error {
    // As an error of the connection: what a server says to a handshake is no answer to a call.
    return new Error(this.#lastError?.message || `${what} within ${timeoutMs} ms`);
  }
}

function clientOf({
  kind,
  hosts,
  database,
  masterName,
  username,
  password,
  tls,
}: RedisAddress): Redis | Cluster {
  const options: RedisOptions = {
    ...serverOptions,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
  if (kind === "cluster")
    return new Cluster([...hosts], {
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: reconnectMs,
      // Names are looked up with each connection; a certificate is for a name.
      dnsLookup: (name, found) => found(null, name),
      redisOptions: options,
    });
  const server = { ...options, db: database, retryStrategy: reconnectMs };
  if (kind === "server") return new Redis({ ...server, ...hosts[0] });
  return new Redis({
    ...server,
    sentinels: [...hosts],
    name: masterName ?? "",
    failoverDetector: true,
    sentinelRetryStrategy: reconnectMs,
    sentinelCommandTimeout: 1_000,
    ...(tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
  });
}

function isOfSelect(error: Error & { readonly command?: { readonly name: string } }): boolean {
  return error.command?.name === "select";
}
