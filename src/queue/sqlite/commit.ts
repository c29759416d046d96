/**
 * Group commit: all calls that arrive in one turn of the event loop share one transaction, so one fsync, and what they changed
 * in memory is written once. Where one throws, all is undone and done again with each in a savepoint of its own, so that it
 * undoes itself alone. Answers are given, and signals sent, after the commit.
 */
import type { DatabaseSync } from "node:sqlite";
import type { StoreSignal } from "../store.ts";
import { settleEnded } from "./dependencies.ts";
import { Effects } from "./effects.ts";
import { closedError, isFull, storeError } from "./errors.ts";
import type { Shelf, Tx } from "./tx.ts";

interface Job {
  readonly work: (tx: Tx) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Bounds how long one transaction keeps the event loop. */
const jobsMax = 512;

export class Committer {
  /** Transactions committed so far. */
  transactions = 0;
  readonly #database: DatabaseSync;
  readonly #shelf: Shelf;
  readonly #address: string;
  readonly #tell: (signals: readonly StoreSignal[]) => void;
  #waiting: Job[] = [];
  #closed = false;

  constructor(
    database: DatabaseSync,
    options: { shelf: Shelf; address: string; tell: (signals: readonly StoreSignal[]) => void },
  ) {
    this.#database = database;
    this.#shelf = options.shelf;
    this.#address = options.address;
    this.#tell = options.tell;
  }

  /** `work` may run twice: it must change nothing but the database. */
  run<Value>(work: (tx: Tx) => Value): Promise<Value> {
    if (this.#closed) return Promise.reject(closedError(this.#address));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#waiting.length === 0) setImmediate(() => this.#flush());
    this.#waiting.push({ work, resolve, reject });
    return promise as Promise<Value>;
  }

  /** Commits what waits, then takes nothing more. */
  close(): void {
    this.#closed = true;
    while (this.#waiting.length > 0) this.#flush();
  }

  #flush(): void {
    const jobs = this.#waiting.splice(0, jobsMax);
    if (this.#waiting.length > 0) setImmediate(() => this.#flush());
    if (jobs.length > 0) this.#commit(jobs);
  }

  #commit(jobs: readonly Job[], { apart = false, lastTry = false } = {}): void {
    const tx = newTx(this.#shelf, this.#shelf.clock.now());
    let working = true;
    const answers: (() => void)[] = [];
    try {
      this.#shelf.sql.run("begin");
      for (const job of jobs) answers.push(apart ? this.#attempt(job, tx) : work(job, tx));
      flush(tx);
      working = false;
      this.#shelf.sql.run("commit");
    } catch (error) {
      this.#undo("ROLLBACK");
      if (isFull(error) && !lastTry) this.#commitEach(jobs);
      else if (working && !apart && jobs.length > 1) this.#commit(jobs, { apart: true });
      else for (const job of jobs) job.reject(storeError(error, this.#address));
      return;
    }
    this.transactions += 1;
    for (const answer of answers) answer();
    this.#tell(tx.effects.signals());
  }

  /** The disk has no room for them together: makes what room there is, and lets small ones, such as a finish, through. */
  #commitEach(jobs: readonly Job[]): void {
    try {
      this.#database.exec("PRAGMA wal_checkpoint(RESTART)");
    } catch {
      // What is in the log stays there; the jobs below are told what fails.
    }
    for (const job of jobs) this.#commit([job], { lastTry: true });
  }

  /** Runs one job in a savepoint; answers how to tell its caller. Throws where SQLite undid the whole transaction. */
  #attempt(job: Job, whole: Tx): () => void {
    this.#database.exec("SAVEPOINT job");
    try {
      const tx = newTx(this.#shelf, whole.nowMs);
      const answer = work(job, tx);
      flush(tx);
      this.#database.exec("RELEASE job");
      whole.effects.add(tx.effects);
      return answer;
    } catch (error) {
      forget(this.#shelf);
      if (!this.#database.isTransaction) throw error;
      this.#undo("ROLLBACK TO job; RELEASE job");
      return () => job.reject(storeError(error, this.#address));
    }
  }

  #undo(how: string): void {
    forget(this.#shelf);
    if (this.#database.isTransaction) this.#database.exec(how);
  }
}

function newTx(shelf: Shelf, nowMs: number): Tx {
  return { ...shelf, nowMs, effects: new Effects(), ended: [] };
}

function work(job: Job, tx: Tx): () => void {
  const value = job.work(tx);
  settleEnded(tx);
  return () => job.resolve(value);
}

/** Writes what calls changed in memory. */
function flush({ queues, lanes, chunks, controls, nowMs }: Tx): void {
  queues.flush(nowMs);
  lanes.flush();
  lanes.trim();
  chunks.flush();
  chunks.trim();
  controls.flush();
}

function forget({ queues, lanes, chunks, controls }: Shelf): void {
  queues.forget();
  lanes.forget();
  chunks.forget();
  controls.forget();
}
