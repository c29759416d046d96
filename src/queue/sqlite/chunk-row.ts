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
  readonly terms: string;
  readonly endings_ms: string;
}

/** What the indexes say of a chunk: written only where it has changed. */
export interface ChunkIndex {
  readonly has_queued: 0 | 1;
  readonly has_running: 0 | 1;
  readonly has_succeeded: 0 | 1;
  readonly expires_ms: number | null;
  readonly ended_ms: number | null;
}

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
    terms: JSON.parse(row.terms) as Term[],
    endingsMs: JSON.parse(row.endings_ms) as number[],
  });
}

export function rowOf({ facts, slots, terms, endingsMs }: Chunk): ChunkRow {
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
    terms: JSON.stringify(terms),
    endings_ms: JSON.stringify(endingsMs),
  };
}

export function indexOf(chunk: Chunk): ChunkIndex {
  const { QUEUED, RUNNING, SUCCEEDED } = chunk.counts;
  return {
    has_queued: QUEUED > 0 ? 1 : 0,
    has_running: RUNNING > 0 ? 1 : 0,
    has_succeeded: SUCCEEDED > 0 ? 1 : 0,
    expires_ms: chunk.firstExpiryMs() ?? null,
    ended_ms: chunk.firstEndMs() ?? null,
  };
}

export function sameIndex(one: ChunkIndex, other: ChunkIndex): boolean {
  return (
    one.has_queued === other.has_queued &&
    one.has_running === other.has_running &&
    one.has_succeeded === other.has_succeeded &&
    one.expires_ms === other.expires_ms &&
    one.ended_ms === other.ended_ms
  );
}
