/**
 * Floors on SQLite: bare node:sqlite with the settings of the embedded store (WAL, an fsync each commit) and one table of
 * payloads; so many rows in one transaction as callers would share a commit. Nothing of a queue but lease and end.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Contender } from "./measure.ts";
import { type Meter, ownMeter } from "./meters.ts";

const schema = `
  PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536;
  CREATE TABLE task (id INTEGER PRIMARY KEY, lease INTEGER, payload BLOB NOT NULL);
  CREATE INDEX line ON task (id) WHERE lease IS NULL;`;
const leaseNext = `UPDATE task SET lease = 1
  WHERE id IN (SELECT id FROM task WHERE lease IS NULL ORDER BY id LIMIT ?) RETURNING id, payload`;

export class SqliteFloor {
  readonly #database: DatabaseSync;
  readonly #payload: Buffer;
  readonly #insert: StatementSync;
  readonly #lease: StatementSync;
  readonly #delete: StatementSync;
  readonly #meters: readonly Meter[] = [ownMeter("client")];

  constructor(file: string, payloadBytes: number) {
    this.#database = new DatabaseSync(file);
    this.#database.exec(schema);
    this.#payload = Buffer.alloc(payloadBytes, "x");
    this.#insert = this.#database.prepare("INSERT INTO task (payload) VALUES (?)");
    this.#lease = this.#database.prepare(leaseNext);
    this.#delete = this.#database.prepare("DELETE FROM task WHERE id = ?");
  }

  submit(perCommit: number): Contender {
    return this.#contender(perCommit, (tasks) => this.#submit(tasks, perCommit));
  }

  drain(perCommit: number): Contender {
    return this.#contender(perCommit, (tasks) => this.#drain(tasks, perCommit));
  }

  lifeCycle(inPerCommit: number, perCommit: number): Contender {
    return this.#contender(inPerCommit, async (tasks) => {
      await this.#submit(tasks, inPerCommit);
      await this.#drain(tasks, perCommit);
    });
  }

  async fill(tasks: number): Promise<void> {
    await this.#submit(tasks, 500);
  }

  close(): void {
    this.#database.close();
  }

  #contender(perCommit: number, run: Contender["run"]): Contender {
    return { name: `floor: bare node:sqlite, ${perCommit} a commit`, meters: this.#meters, run };
  }

  async #submit(tasks: number, perCommit: number): Promise<void> {
    for (let left = tasks; left > 0; left -= perCommit)
      this.#commit(() => {
        for (let row = 0; row < Math.min(perCommit, left); row++) this.#insert.run(this.#payload);
      });
  }

  async #drain(tasks: number, perCommit: number): Promise<void> {
    let held: readonly { id?: unknown }[] = [];
    for (let left = tasks; left > 0 || held.length > 0; left -= held.length) {
      const ended = held;
      this.#commit(() => {
        for (const { id } of ended) this.#delete.run(id as number);
        held = left > 0 ? this.#lease.all(Math.min(perCommit, left)) : [];
      });
      if (left > 0 && held.length === 0) throw new Error(`the floor's line ran dry with ${left} to go`);
    }
  }

  #commit(work: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    work();
    this.#database.exec("COMMIT");
  }
}
