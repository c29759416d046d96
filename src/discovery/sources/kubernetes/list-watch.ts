/**
 * Kubernetes' protocol of lists and watches: list once, then follow the changes from the version of the list on; list anew when the
 * server no longer has that version (410 Gone). It goes on through every failure, with what it last knew.
 *
 * The client's own informer ends at the first error, asks for no bookmarks, and waits up to 30 s between watches that end
 * well; of that library the requests are used here, and the loop is this one.
 */
export interface Listed<Item> {
  readonly items: readonly Item[];
  readonly version: string;
}

export interface WatchEvent<Item> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly item: Item;
}

/** The server no longer has the version that was asked for. */
export class Gone extends Error {
  override readonly name = "Gone";
}

export interface ListWatchOptions<Item> {
  readonly list: (signal: AbortSignal) => Promise<Listed<Item>>;
  /** Ends well when the server ends it, which it does every few minutes. Throws {@link Gone}, or what went wrong. */
  readonly watch: (version: string, signal: AbortSignal) => AsyncIterable<WatchEvent<Item>>;
  /** Unique among the items. */
  readonly keyOf: (item: Item) => string;
  readonly versionOf: (item: Item) => string;
  /** All items, after each change. */
  readonly changed: (items: ReadonlyMap<string, Item>) => void;
  /** Told at each failure; the first of an outage is `isNew`. What was listed meanwhile may have looked well. */
  readonly failed: (error: Error, isNew: boolean) => void;
  /** Ends early, without error, when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
}

const pauseMsMin = 100;
const pauseMsMax = 5_000;

/** Runs until the signal aborts. */
export async function listAndWatch<Item>(
  options: ListWatchOptions<Item>,
  signal: AbortSignal,
): Promise<void> {
  const { pause, random, failed } = options;
  const followed = new Followed(options);
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (followed.version === "") await followed.list(signal);
      for await (const event of options.watch(followed.version, signal)) {
        followed.take(event);
        failures = 0;
      }
      failures = 0;
      await pause(pauseMsMin, signal);
    } catch (error) {
      if (signal.aborted) return;
      // After any failure a list says what there is, and that all is well again.
      followed.version = "";
      if (!(error instanceof Gone)) failed(error as Error, failures++ === 0);
      const longest = Math.min(pauseMsMax, pauseMsMin * 2 ** failures);
      await pause(longest * (0.5 + random() / 2), signal);
    }
  }
}

class Followed<Item> {
  /** Where the next watch begins; empty: it needs a list first. */
  version = "";
  readonly #options: ListWatchOptions<Item>;
  #items = new Map<string, Item>();

  constructor(options: ListWatchOptions<Item>) {
    this.#options = options;
  }

  async list(signal: AbortSignal): Promise<void> {
    const { list, keyOf, changed } = this.#options;
    const { items, version } = await list(signal);
    this.#items = new Map(items.map((item) => [keyOf(item), item]));
    this.version = version;
    changed(this.#items);
  }

  take({ type, item }: WatchEvent<Item>): void {
    const { keyOf, versionOf, changed } = this.#options;
    this.version = versionOf(item) || this.version;
    if (type === "BOOKMARK") return;
    if (type === "DELETED") this.#items.delete(keyOf(item));
    else this.#items.set(keyOf(item), item);
    changed(this.#items);
  }
}
