/** The embedded store: one SQLite file, one owner process, one fsync for all that arrives in a turn of the event loop. */
import { readFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { type Clock, systemClock } from "../../core/clock.ts";
import type {
  Cancel,
  Finish,
  LeaseAsk,
  ListPage,
  ListQuery,
  LogAppend,
  LogQuery,
  NewTask,
  Presence,
  QueueChange,
  QueueStore,
  Renewal,
  Retry,
  StoreDescription,
  StoreLimits,
  StoreSignal,
  SweepReport,
} from "../store.ts";
import { cancel, retry } from "./cancel.ts";
import { Chunks } from "./chunks.ts";
import { storeClock } from "./clock.ts";
import { Committer } from "./commit.ts";
import { configure, load } from "./configure.ts";
import { Controls } from "./controls.ts";
import { closedError, storeError } from "./errors.ts";
import { finish } from "./finish.ts";
import { Lanes } from "./lanes.ts";
import { lease, renew } from "./lease.ts";
import { list } from "./list.ts";
import { append, readLog } from "./log.ts";
import { type Durability, openDatabase } from "./open.ts";
import { Presences } from "./presences.ts";
import { Queues } from "./queues.ts";
import { recordOf, taskById } from "./read.ts";
import { Statements } from "./statements.ts";
import { submit } from "./submit.ts";
import { nextDueMs, remove, sweep, sweepIsDue } from "./sweep.ts";
import type { Shelf } from "./tx.ts";

export interface SqliteStoreOptions {
  /** The database's file; it and its directory are made when they do not exist. */
  readonly file: string;
  readonly limits: StoreLimits;
  /** Default `full`: an acknowledged task survives a power cut. */
  readonly durability?: Durability;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Uniform in [0, 1); default: Math.random. */
  readonly chance?: () => number;
}

const version = 3;

/** Rejects with STORE_IN_USE, naming the owner, where another process has the store open. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { file } = options;
  const durability = options.durability ?? "full";
  const schema = readFileSync(new URL("./schema.sql", import.meta.url), "utf8");
  return new SqliteStore(openDatabase({ file, durability, schema, version }), {
    ...options,
    durability,
    file,
  });
}

class SqliteStore implements QueueStore {
  readonly #database: DatabaseSync;
  readonly #shelf: Shelf;
  readonly #committer: Committer;
  readonly #presences: Presences;
  readonly #file: string;
  readonly #durability: Durability;
  readonly #listeners = new Set<(signal: StoreSignal) => void>();

  constructor(
    database: DatabaseSync,
    options: SqliteStoreOptions & { file: string; durability: Durability },
  ) {
    this.#database = database;
    this.#file = options.file;
    this.#durability = options.durability;
    const sql = new Statements(database);
    const newestMs = sql.one<{ ms: number | null }>("newestTime")?.ms ?? 0;
    const { limits, chance = Math.random } = options;
    const clock = storeClock(options.clock ?? systemClock, newestMs);
    const kept = {
      queues: new Queues(sql),
      lanes: new Lanes(sql),
      chunks: new Chunks(sql),
      controls: new Controls(sql),
    };
    this.#shelf = { sql, ...kept, limits, clock, chance };
    this.#presences = new Presences(clock);
    const tell = (signals: readonly StoreSignal[]) => this.#tell(signals);
    this.#committer = new Committer(database, { shelf: this.#shelf, address: this.#file, tell });
  }

  /** Transactions committed since it was opened: shows how many calls share one. */
  get transactions(): number {
    return this.#committer.transactions;
  }

  async describe(): Promise<StoreDescription> {
    const about = { kind: "sqlite", address: this.#file } as const;
    if (this.#durability === "full")
      return {
        ...about,
        durability: "an acknowledged write is on the disk: it survives a crash and a power cut",
      };
    return {
      ...about,
      durability: "an acknowledged write survives a crash of the process; a power cut may lose the last ones",
      warning: "sqlite.durability is normal: a power cut may lose acknowledged tasks",
    };
  }

  ping = () => this.#read(() => void this.#shelf.sql.one("ping"));
  submit = (tasks: readonly NewTask[]) => this.#committer.run((tx) => submit(tx, tasks));
  lease = (asks: readonly LeaseAsk[]) => this.#committer.run((tx) => lease(tx, asks));
  renew = (renewals: readonly Renewal[]) => this.#committer.run((tx) => renew(tx, renewals));
  append = (appends: readonly LogAppend[]) => this.#committer.run((tx) => append(tx, appends));
  finish = (finishes: readonly Finish[]) => this.#committer.run((tx) => finish(tx, finishes));
  cancel = (cancels: readonly Cancel[]) => this.#committer.run((tx) => cancel(tx, cancels));
  retry = (retries: readonly Retry[]) => this.#committer.run((tx) => retry(tx, retries));
  remove = (ids: readonly string[]) => this.#committer.run((tx) => remove(tx, ids));
  configure = (changes: readonly QueueChange[]) => this.#committer.run((tx) => configure(tx, changes));

  announce(workers: readonly Presence[], presentMs: number): Promise<void> {
    return this.#read(() => this.#presences.announce(workers, presentMs));
  }

  load(queue: string, concurrencyKey: string) {
    return this.#read(() => load(this.#shelf, queue, concurrencyKey, this.#presences));
  }

  get(ids: readonly string[]) {
    const shelf = this.#shelf;
    return this.#read(() =>
      ids.map((id) => {
        const row = taskById(shelf, id);
        return row && recordOf(shelf, row);
      }),
    );
  }

  list(query: ListQuery): Promise<ListPage> {
    return this.#read(() => list(this.#shelf, query));
  }

  readLog(query: LogQuery) {
    return this.#read(() => readLog(this.#shelf, query));
  }

  stats(queues?: readonly string[]) {
    const { queues: known, controls, clock } = this.#shelf;
    return this.#read(() =>
      (queues ?? known.names()).map((queue) => {
        const { pause } = controls.of(queue);
        return { ...known.stats(queue, clock.now()), policy: controls.policy(queue), pause };
      }),
    );
  }

  async sweep(): Promise<SweepReport> {
    if (await this.#read(() => sweepIsDue(this.#shelf))) return this.#committer.run(sweep);
    const next = nextDueMs(this.#shelf, this.#shelf.clock.now());
    return { expired: 0, notStarted: 0, promoted: 0, delivered: 0, purged: 0, nextDueMs: next };
  }

  subscribe(listener: (signal: StoreSignal) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#committer.close();
    if (this.#database.isOpen) this.#database.close();
  }

  /** Reads see what is committed; they wait for nothing. */
  async #read<Value>(read: () => Value): Promise<Value> {
    if (!this.#database.isOpen) throw closedError(this.#file);
    try {
      const value = read();
      this.#shelf.chunks.trim();
      return value;
    } catch (error) {
      throw storeError(error, this.#file);
    }
  }

  /** A listener that throws is its own fault, not the transaction's. */
  #tell(signals: readonly StoreSignal[]): void {
    for (const listener of this.#listeners)
      for (const signal of signals) queueMicrotask(() => this.#listeners.has(listener) && listener(signal));
  }
}

export type { SqliteStore };
