/** A chunk's row, and the chunk that is read from it. */
import { Chunk, type Term } from "./chunk.ts";

export interface ChunkRow {
  readonly first_seq: number;
  readonly queue: string;
  readonly tenant: string;
  readonly priority: number;
  readonly lane: string;
  readonly retry: string;
  readonly labels: string;
  readonly first_place: number;
  readonly created_ms: number;
  readonly fence: number;
  readonly slots: Uint8Array;
  /** Of 16 bits each; null: they follow each other. */
  readonly offsets: Uint8Array | null;
  readonly terms: string;
  readonly endings_ms: string;
}

/** What the indexes say of a chunk: written only where it has changed. */
export interface ChunkIndex {
  readonly has_queued: 0 | 1;
  /** No lease ends before; null: nothing runs, or nothing has run yet. */
  readonly expires_ms: number | null;
  readonly has_succeeded: 0 | 1;
  /** The first success that is kept. */
  readonly ended_ms: number | null;
}

export type StoredChunk = ChunkRow & ChunkIndex;

export function chunkOf(row: ChunkRow): Chunk {
  const facts = {
    firstSeq: row.first_seq,
    queue: row.queue,
    tenant: row.tenant,
    priority: row.priority,
    lane: row.lane,
    retry: row.retry,
    labels: row.labels,
    firstPlace: row.first_place,
    createdMs: row.created_ms,
    fence: row.fence,
  };
  return new Chunk(facts, {
    slots: row.slots,
    // Copied, since numbers of 16 bits must begin at an even byte.
    offsets: row.offsets === null ? undefined : new Uint16Array(row.offsets.slice().buffer),
    terms: JSON.parse(row.terms) as Term[],
    endingsMs: JSON.parse(row.endings_ms) as number[],
  });
}

export function rowOf({ facts, slots, offsets, terms, endingsMs }: Chunk): ChunkRow {
  return {
    first_seq: facts.firstSeq,
    queue: facts.queue,
    tenant: facts.tenant,
    priority: facts.priority,
    lane: facts.lane,
    retry: facts.retry,
    labels: facts.labels,
    first_place: facts.firstPlace,
    created_ms: facts.createdMs,
    fence: facts.fence,
    slots,
    offsets: offsets === undefined ? null : new Uint8Array(offsets.buffer),
    terms: JSON.stringify(terms),
    endings_ms: JSON.stringify(endingsMs),
  };
}

/** `before`: as it is written. A time of expiry stays while it is not too late, so that not each lease and end writes it. */
export function indexOf(chunk: Chunk, before: ChunkIndex): ChunkIndex {
  const { QUEUED, RUNNING, SUCCEEDED } = chunk.counts;
  return {
    has_queued: QUEUED > 0 ? 1 : 0,
    expires_ms: QUEUED + RUNNING === 0 ? null : earliest(before.expires_ms, chunk.firstExpiryMs() ?? null),
    has_succeeded: SUCCEEDED > 0 ? 1 : 0,
    ended_ms: chunk.firstEndMs() ?? null,
  };
}

function earliest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}
