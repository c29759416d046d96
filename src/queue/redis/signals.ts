/**
 * Hears what happens in the store, on a connection of its own. Signals are lost while it is away; when it is back, every
 * queue is said to be ready, so that those who wait look again.
 */
import type { StoreSignal } from "../store.ts";
import { madeUnique } from "./chunk.ts";
import { storeError } from "./errors.ts";
import type { Link } from "./link.ts";

/** A connection that is dead without having been closed is found out by this. */
const watchdogMs = 5_000;

/**
 * How the channel is heard: as one of the subscribers that the server counts; not now; or uncounted, as in a cluster, where
 * a server counts no more than its own.
 */
export type Hears = "counted" | "away" | "uncounted";

export interface SignalsOptions {
  /** Used for nothing else; not connected yet. */
  readonly link: Link;
  readonly channel: string;
  readonly isCluster: boolean;
  readonly queueNames: () => Promise<readonly string[]>;
}

export class Signals {
  readonly #options: SignalsOptions;
  readonly #listeners = new Set<(signal: StoreSignal) => void>();
  #watchdog: NodeJS.Timeout | undefined;
  #hears: Hears = "away";

  constructor(options: SignalsOptions) {
    this.#options = options;
  }

  /** As far as is known: a subscription whose end was not noticed yet is still counted. */
  get hears(): Hears {
    return this.#hears;
  }

  async open(): Promise<void> {
    const { link } = this.#options;
    link.redis.on("message", (_channel: string, text: string) => this.tell(text));
    await link.ready();
    link.redis.on("close", () => {
      this.#hears = "away";
    });
    try {
      await this.#subscribe();
    } catch (error) {
      throw storeError(error, link.address);
    }
    link.redis.on("ready", () => void this.#resubscribe());
    this.#watchdog = setInterval(() => void this.#watch(), watchdogMs).unref();
  }

  subscribe(listener: (signal: StoreSignal) => void): () => void {
    const own = (signal: StoreSignal) => listener(signal);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Tells the listeners what a script said, whether it came by the channel or in a reply. */
  tell(text: string): void {
    this.#announce(parseSignal(text));
  }

  close(): void {
    clearInterval(this.#watchdog);
    this.#listeners.clear();
    this.#options.link.close();
  }

  async #subscribe(): Promise<void> {
    const { link, channel, isCluster } = this.#options;
    await link.redis.subscribe(channel);
    this.#hears = isCluster ? "uncounted" : "counted";
  }

  async #resubscribe(): Promise<void> {
    try {
      await this.#subscribe();
      for (const queue of await this.#options.queueNames())
        this.#announce({ queue, ready: true, changed: [], revoked: [] });
    } catch {
      // The connection is lost again, and this runs again when it is back.
    }
  }

  async #watch(): Promise<void> {
    const { redis } = this.#options.link;
    if (redis.status !== "ready") return;
    await redis.ping().catch(() => redis.disconnect(true));
  }

  #announce(signal: StoreSignal): void {
    for (const listener of this.#listeners) listener(signal);
  }
}

/** `QUEUE|READY|CHANGED,…|UNIQUE:FENCE,…`, as lua/include/tell.lua writes it; what changed is as lua/include/pieces.lua says. */
function parseSignal(text: string): StoreSignal {
  const [queue, ready, changed, revoked] = text.split("|") as [string, string, string, string];
  return {
    queue,
    ready: ready === "1",
    /** Made when it is looked at: mostly nobody watches. */
    get changed() {
      return changed === "" ? [] : changed.split(",").flatMap((piece) => parseChanged(queue, piece));
    },
    revoked: revoked === "" ? [] : revoked.split(",").map((lost) => parseRevoked(queue, lost)),
  };
}

/** A unique part; or `CHUNK.SLOT.COUNT.STAMP`, neighbours whose ids were made. */
function parseChanged(queue: string, piece: string): string[] {
  const [chunk, slot, count, stamp] = piece.split(".");
  if (stamp === undefined) return [`${queue}.${piece}`];
  return Array.from(
    { length: Number(count) },
    (_, nth) => `${queue}.${madeUnique(stamp, Number(slot) + nth, Number(chunk))}`,
  );
}

function parseRevoked(queue: string, lost: string): StoreSignal["revoked"][number] {
  const colon = lost.indexOf(":");
  return { taskId: `${queue}.${lost.slice(0, colon)}`, fence: Number(lost.slice(colon + 1)) };
}
