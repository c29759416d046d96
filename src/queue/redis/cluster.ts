/**
 * The way to the servers of a Redis Cluster. ioredis finds them and keeps the table of slots; commands go by connections of
 * ours, since of its own ways it would send some twice, and WAIT must follow a write on the connection that wrote.
 */
import { Cluster, Command, Redis } from "ioredis";
import { systemClock } from "../../core/clock.ts";
import type { RedisAddress, RedisHost } from "../../core/config/redis-url.ts";
import { storeError } from "./errors.ts";
import { type Argument, commandTimeoutMs, Link, type LinkContext, linkOptions, reconnectMs } from "./link.ts";
import { credentialsOf, type Route } from "./route.ts";

/** Between two looks for a slot's server, and before a call that was refused is sent again. */
const pauseMs = 50;
/** A server that does not connect within this is asked for elsewhere: a failover may be over. */
const connectMs = 500;

export class ClusterRoute implements Route {
  readonly #address: RedisAddress;
  readonly #context: LinkContext;
  readonly #cluster: Cluster;
  /** By `host:port`, as the table of slots names them. */
  readonly #links = new Map<string, Link>();
  /** By hash tag. */
  readonly #slots = new Map<string, number>();
  readonly #lost: (() => void)[] = [];
  #lastError: Error | undefined;

  constructor(address: RedisAddress, context: LinkContext) {
    this.#address = address;
    this.#context = context;
    this.#cluster = new Cluster([...address.hosts], {
      lazyConnect: true,
      enableOfflineQueue: false,
      // A cluster that is down says so itself, and better, to whoever calls.
      enableReadyCheck: false,
      clusterRetryStrategy: reconnectMs,
      // Names are looked up with each connection; a certificate is for a name.
      dnsLookup: (name, found) => found(null, name),
      redisOptions: { ...linkOptions, ...credentialsOf(address) },
    });
    this.#cluster.on("+node", (redis: Redis) => this.#add(redis));
    this.#cluster.on("-node", (redis: Redis) => this.#remove(redis));
    this.#cluster.on("error", (error: Error & { lastNodeError?: Error }) => {
      this.#lastError = error.lastNodeError ?? error;
    });
    this.#cluster.on("ready", () => {
      this.#lastError = undefined;
    });
  }

  async connect(): Promise<void> {
    this.#cluster.connect().catch(() => {});
    try {
      await this.#found(systemClock.now() + commandTimeoutMs);
    } catch (error) {
      throw (await this.#diagnosis()) ?? error;
    }
  }

  ready(key: Argument): Link | undefined {
    const link = this.#links.get(this.#cluster.slots[this.#slotOf(key)]?.[0] ?? "");
    return link?.isReady ? link : undefined;
  }

  async link(key: Argument, endMs: number): Promise<Link> {
    await this.#found(endMs);
    return this.#reached(() => this.#cluster.slots[this.#slotOf(key)]?.[0], endMs);
  }

  async masters(endMs: number): Promise<readonly Link[]> {
    await this.#found(endMs);
    const owners = () => [...new Set(this.#cluster.slots.map((servers) => servers?.[0]))];
    // A failover meanwhile leaves their number as it is.
    return Promise.all(owners().map((_, index) => this.#reached(() => owners()[index], endMs)));
  }

  /**
   * MOVED is followed. A slot on its way to another server (ASK, TRYAGAIN) is waited for instead: a script names one key of
   * a queue, and would find the others missing at either end.
   */
  again({ message }: Error): number | undefined {
    const [word, slot, server = ""] = message.split(" ");
    if (word === "MOVED") {
      const isKnown = this.#links.has(server);
      if (isKnown) this.#cluster.slots[Number(slot)] = [server];
      this.#refresh();
      this.#tell();
      return isKnown ? 0 : pauseMs;
    }
    if (word === "CLUSTERDOWN") this.#refresh();
    return ["ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING"].includes(word ?? "") ? pauseMs : undefined;
  }

  /** At any server: what is published at one is heard at all. Where it is lost, at the next. */
  listener(): Link {
    const first = this.#anyHost();
    const options = { ...linkOptions, ...credentialsOf(this.#address), ...first };
    const redis: Redis = new Redis({
      ...options,
      retryStrategy: (times) => {
        Object.assign(redis.options, this.#anyHost());
        return reconnectMs(times);
      },
    });
    return new Link(redis, { ...this.#context, isBusy: false });
  }

  onLost(lost: () => void): void {
    this.#lost.push(lost);
  }

  close(): void {
    this.#cluster.disconnect();
  }

  #add(redis: Redis): void {
    const server = `${redis.options.host}:${redis.options.port}`;
    const link = new Link(redis, { ...this.#context, address: server });
    redis.on("error", (error: Error) => {
      this.#lastError = error;
    });
    this.#links.set(server, link);
  }

  #remove(redis: Redis): void {
    for (const [server, link] of this.#links) if (link.redis === redis) this.#links.delete(server);
    this.#tell();
  }

  #tell(): void {
    for (const lost of this.#lost) lost();
  }

  /** The connection to whichever server it is by then. */
  async #reached(server: () => string | undefined, endMs: number): Promise<Link> {
    let why: unknown = new Error("a part of the slots has no server");
    for (;;) {
      const link = this.#links.get(server() ?? "");
      if (link?.isReady) return link;
      try {
        await link?.ready(Math.max(0, Math.min(connectMs, endMs - systemClock.now())));
        if (link?.isReady) return link;
      } catch (error) {
        why = error;
      }
      if (systemClock.now() >= endMs) throw storeError(why, this.#context.address);
      this.#refresh();
      await pause(pauseMs);
    }
  }

  /** Waits for a table of slots. */
  async #found(endMs: number): Promise<void> {
    while (this.#cluster.status !== "ready") {
      const why = this.#lastError ?? new Error(`no cluster found within ${commandTimeoutMs} ms`);
      if (this.#cluster.status === "end" || systemClock.now() >= endMs)
        throw storeError(why, this.#context.address);
      await pause(pauseMs / 5);
    }
  }

  /** Why a node cannot be reached, which ioredis keeps to itself. */
  async #diagnosis(): Promise<unknown> {
    const link = this.listener();
    try {
      await link.ready(connectMs);
      return undefined;
    } catch (error) {
      return error;
    } finally {
      link.close();
    }
  }

  #refresh(): void {
    if (this.#cluster.status !== "ready") return;
    this.#cluster.refreshSlotsCache((error) => {
      // None that we know of answers: begin again with those that the address names.
      if (error?.name === "ClusterAllFailedError" && this.#cluster.nodes().length > 0)
        this.#cluster.disconnect(true);
    });
  }

  #anyHost(): RedisHost {
    const known = [...this.#links.values()].map(({ redis }) => redis.options as RedisHost);
    const hosts = known.length > 0 ? known : this.#address.hosts;
    const { host, port } = hosts[Math.floor(Math.random() * hosts.length)] as RedisHost;
    return { host, port };
  }

  #slotOf(key: Argument): number {
    const text = String(key);
    const tag = /\{([^}]+)\}/.exec(text)?.[1] ?? text;
    let slot = this.#slots.get(tag);
    if (slot === undefined) {
      slot = new Command("get", [tag]).getSlot() as number;
      this.#slots.set(tag, slot);
    }
    return slot;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
