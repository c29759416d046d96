/** Looks at a store's file, which nobody may have open, for what does not hold in it: a task in two places, counts that are off. */
import { DatabaseSync } from "node:sqlite";
import { taskStates } from "../../../src/queue/task.ts";

interface StoredChunk {
  readonly first_seq: number;
  readonly queue: string;
  readonly lane: string;
  readonly slots: Uint8Array;
  readonly offsets: Uint8Array | null;
  readonly terms: string;
  readonly endings_ms: string;
  readonly has_queued: number;
  readonly has_succeeded: number;
  readonly expires_ms: number | null;
  readonly ended_ms: number | null;
}

type Counts = Map<string, number>;

/** What the slots' bytes stand for. */
const slotStates = ["QUEUED", "RUNNING", "SUCCEEDED", undefined] as const;

/** What is wrong, in words; empty: nothing. */
export function auditFile(file: string): string[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const chunks = database.prepare("SELECT * FROM chunk").all() as unknown as StoredChunk[];
    return [
      ...chunks.flatMap((chunk) => chunkFaults(database, chunk)),
      ...countFaults(database, chunks),
      ...orphans(database),
    ];
  } finally {
    database.close();
  }
}

function statesOf({ slots }: StoredChunk) {
  return Array.from(slots.subarray(0, slots.length / 3), (byte) => slotStates[byte]);
}

function chunkFaults(database: DatabaseSync, chunk: StoredChunk): string[] {
  const { first_seq } = chunk;
  const states = statesOf(chunk);
  const count = states.length;
  const terms = JSON.parse(chunk.terms) as { expiresMs: number }[];
  const endings = JSON.parse(chunk.endings_ms) as number[];
  const times = (state: string, timeOf: (slot: number) => number | undefined) =>
    states.flatMap((one, slot) => (one === state ? (timeOf(slot) ?? Number.NaN) : []));
  const expiries = times("RUNNING", (slot) => terms[chunk.slots[count + slot] as number]?.expiresMs);
  const ends = times("SUCCEEDED", (slot) => endings[chunk.slots[2 * count + slot] as number]);
  const least = (all: number[]) => (all.length === 0 ? null : Math.min(...all));
  const truth = {
    has_queued: Number(states.includes("QUEUED")),
    has_succeeded: Number(states.includes("SUCCEEDED")),
    ended_ms: least(ends),
  };
  const faults = Object.entries(truth)
    .filter(([column, value]) => chunk[column as keyof typeof truth] !== value)
    .map(([column, value]) => `${column} is ${chunk[column as keyof typeof truth]}, not ${value}`);
  if (!expiresWell(chunk.expires_ms, least(expiries), states.includes("QUEUED")))
    faults.push(`expires_ms is ${chunk.expires_ms}, and the first lease ends at ${least(expiries)}`);
  if (states.every((state) => state === undefined)) faults.push("has no task");
  const inRow = database.prepare("SELECT 1 FROM task WHERE seq = ?");
  states.forEach((state, slot) => {
    if (state !== undefined && inRow.get(first_seq + offsetOf(chunk, slot)))
      faults.push(`slot ${slot} has a row too`);
  });
  return faults.map((fault) => `chunk ${first_seq}: ${fault}`);
}

function offsetOf({ offsets }: StoredChunk, slot: number): number {
  return offsets === null ? slot : Buffer.from(offsets).readUInt16LE(2 * slot);
}

/** It may be early while the chunk has QUEUED or RUNNING tasks, never late. */
function expiresWell(says: number | null, is: number | null, hasQueued: boolean): boolean {
  if (is === null) return says === null || hasQueued;
  return says !== null && says <= is;
}

function countFaults(database: DatabaseSync, chunks: readonly StoredChunk[]): string[] {
  const [states, lanes, plain]: Counts[] = [new Map(), new Map(), new Map()];
  const rows = database.prepare("SELECT queue, state, lane FROM task").all() as Record<string, string>[];
  for (const { queue, state, lane } of rows) {
    add(states!, `${queue} ${state}`);
    if (state === "QUEUED") add(lanes!, `${queue} ${lane}`);
  }
  for (const chunk of chunks)
    for (const state of statesOf(chunk)) {
      if (state !== undefined) add(states!, `${chunk.queue} ${state}`);
      if (state !== "QUEUED") continue;
      add(lanes!, `${chunk.queue} ${chunk.lane}`);
      add(plain!, `${chunk.queue} ${chunk.lane}`);
    }
  const stored = { states: new Map(), lanes: new Map(), plain: new Map() } as Record<string, Counts>;
  for (const row of database.prepare("SELECT * FROM queue").all())
    for (const state of taskStates) stored.states!.set(`${row.name} ${state}`, Number(row[state]));
  for (const row of database.prepare("SELECT * FROM lane").all()) {
    stored.lanes!.set(`${row.queue} ${row.name}`, Number(row.waiting));
    stored.plain!.set(`${row.queue} ${row.name}`, Number(row.plain));
  }
  return [
    ...differences("tasks by state", states!, stored.states!),
    ...differences("waiting in lanes", lanes!, stored.lanes!),
    ...differences("waiting in chunks", plain!, stored.plain!),
  ];
}

function add(counts: Counts, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function differences(what: string, truth: Counts, stored: Counts): string[] {
  const names = [...new Set([...truth.keys(), ...stored.keys()])];
  return names.flatMap((name) => {
    const [is, says] = [truth.get(name) ?? 0, stored.get(name) ?? 0];
    return is === says ? [] : `${what}, ${name}: ${is}, and it says ${says}`;
  });
}

const owners = {
  log: "task NOT IN (SELECT seq FROM task)",
  payload: "task NOT IN (SELECT seq FROM task)",
  dependency: "child NOT IN (SELECT seq FROM task)",
  chunk_specs: "first_seq NOT IN (SELECT first_seq FROM chunk)",
  chunk_outputs: "first_seq NOT IN (SELECT first_seq FROM chunk)",
};

function orphans(database: DatabaseSync): string[] {
  return Object.entries(owners).flatMap(([table, orphaned]) => {
    const { count } = database.prepare(`SELECT count(*) AS count FROM ${table} WHERE ${orphaned}`).get() as {
      count: number;
    };
    return count === 0 ? [] : `${count} rows of ${table} belong to nothing`;
  });
}
