/**
 * Opens a database file for one owner.
 *
 * The owner holds SQLite's own exclusive lock on the file (`locking_mode = EXCLUSIVE`). The kernel drops it with the process,
 * kill -9 included, so there is no stale lock to judge. A file beside it names the owner's pid, for people.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { MeshError } from "../../core/errors.ts";
import { isBusy } from "./errors.ts";

/** `full` syncs each commit to the disk; `normal` may lose the last commits in a power cut, never in a crash. */
export type Durability = "full" | "normal";

export interface DatabaseOptions {
  readonly file: string;
  readonly durability: Durability;
  /** Creates the tables of a new file. */
  readonly schema: string;
  /** Of the schema; a file of another version is refused. */
  readonly version: number;
}

/** Pages that SQLite's log gathers before they are written to the file: 16 MB, so that hot pages are written once. */
const checkpointPages = 4_000;
const cacheKib = 64 * 1_024;

export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const file = resolve(options.file);
  mkdirSync(dirname(file), { recursive: true });
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    own(database, file);
    database.exec(`PRAGMA synchronous = ${options.durability === "full" ? "FULL" : "NORMAL"}`);
    database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}; PRAGMA cache_size = -${cacheKib}`);
    prepareSchema(database, options, file);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function own(database: DatabaseSync, file: string): void {
  const ownerFile = `${file}.owner`;
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL");
    database.exec("BEGIN IMMEDIATE; COMMIT");
  } catch (error) {
    if (!isBusy(error)) throw error;
    const pid = ownerOf(ownerFile);
    const who = pid === undefined ? "another process" : `process ${pid}`;
    throw new MeshError("STORE_IN_USE", `${file} is in use by ${who}; stop it, or choose another data.dir`, {
      metadata: { file, ...(pid === undefined ? {} : { pid }) },
      cause: error,
    });
  }
  writeFileSync(ownerFile, `${process.pid}\n`);
}

function ownerOf(ownerFile: string): string | undefined {
  try {
    return readFileSync(ownerFile, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}

function prepareSchema(database: DatabaseSync, options: DatabaseOptions, file: string): void {
  const { user_version: found } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (found === options.version) return;
  if (found !== 0)
    throw new MeshError(
      "STORE_UNAVAILABLE",
      `${file} has schema version ${found} and this agentmesh knows ${options.version}: ` +
        "use the agentmesh that wrote it, or choose another data.dir",
    );
  database.exec(`BEGIN; ${options.schema}; PRAGMA user_version = ${options.version}; COMMIT`);
}
