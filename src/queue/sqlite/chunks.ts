/**
 * The chunks: kept in memory while they change and written in the transaction that changes them. Those used lately are kept
 * longer, since tasks mostly run soon after they came.
 */
import { Chunk, type ChunkFacts, type Seat } from "./chunk.ts";
import { type ChunkIndex, chunkOf, indexOf, rowOf, type StoredChunk } from "./chunk-row.ts";
import { Packed, pack } from "./packed.ts";
import { firstSeqOf, maybePlain, prefixOf, slotOf } from "./plain-id.ts";
import type { Statements } from "./statements.ts";

interface Known {
  readonly chunk: Chunk;
  /** As its row has it. */
  index: ChunkIndex;
}

const newIndex: ChunkIndex = { has_queued: 1, expires_ms: null, has_succeeded: 0, ended_ms: null };

/** Chunks, and bytes of their specs, that are kept in memory after they were written. */
const keptMax = 1_000;
const specBytesKeptMax = 16 * 1_024 * 1_024;
/** Chunks asked for at once where many may be wanted. */
const askedAtOnce = 20;

export class Chunks {
  readonly #sql: Statements;
  /** By the number of their first task. */
  readonly #known = new Map<number, Known>();
  readonly #dirty = new Set<Chunk>();
  readonly #expired = new Set<Chunk>();
  /** By queue and lane: the first chunk that had QUEUED tasks when it was last looked for. */
  readonly #heads = new Map<string, Chunk>();
  #specBytes = 0;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Takes in a new chunk: all of its tasks are QUEUED. */
  add(facts: ChunkFacts, offsets: Uint16Array | undefined, specs: readonly Uint8Array[]): void {
    const packed = pack(specs);
    const { bytes } = packed;
    const chunk = new Chunk(facts, { slots: Chunk.newSlots(specs.length), offsets, specs: packed });
    this.#sql.run("insertChunk", rowOf(chunk));
    this.#sql.run("insertSpecs", { first_seq: facts.firstSeq, bytes });
    this.#specBytes += bytes.length;
    this.#known.set(facts.firstSeq, { chunk, index: newIndex });
  }

  /** Where a plain task is; undefined: there is none of this id, or it has a row of its own. */
  find(id: string): Seat | undefined {
    if (!maybePlain(id)) return undefined;
    const prefix = prefixOf(id);
    const slot = slotOf(id);
    const chunk = this.#byFirst(firstSeqOf(prefix));
    if (chunk === undefined || slot === undefined || chunk.prefix !== prefix) return undefined;
    return chunk.stateOf(slot) === undefined ? undefined : { chunk, slot };
  }

  /** The chunk of a lane that has its first QUEUED task. */
  head(queue: string, lane: string): Chunk | undefined {
    const name = `${queue} ${lane}`;
    let head = this.#heads.get(name);
    // New chunks come at the back alone, so what follows one that is used up has a greater place.
    while (head === undefined || head.counts.QUEUED === 0) {
      const after = head?.facts.firstPlace ?? 0;
      [head] = this.each("nextReadyChunk", { queue, lane, after });
      if (head === undefined) return undefined;
      this.#heads.set(name, head);
    }
    return head;
  }

  /** The chunks that a statement finds, in its order. */
  *each(statement: string, values: object): Generator<Chunk> {
    for (const { first_seq } of this.#sql.all<{ first_seq: number }>(statement, values))
      yield this.#byFirst(first_seq) as Chunk;
  }

  /** The chunks that a statement finds, newest first, which begin before the task of a number. */
  *newest(statement: string, values: object, before: number): Generator<Chunk> {
    let last: Chunk | undefined;
    let found: number;
    do {
      found = 0;
      const range = { ...values, before: last?.facts.firstSeq ?? before, limit: askedAtOnce };
      for (last of this.each(statement, range)) {
        found += 1;
        yield last;
      }
    } while (found === askedAtOnce);
  }

  spec({ chunk, slot }: Seat): Uint8Array {
    chunk.specs ??= this.#readSpecs(chunk);
    return chunk.specs.at(slot);
  }

  /** Of a task that succeeded. */
  output({ chunk, slot }: Seat): Uint8Array {
    const ending = chunk.endingOf(slot);
    const values = { first_seq: chunk.facts.firstSeq, ending };
    const row = this.#sql.one<{ slots: Uint8Array; bytes: Uint8Array }>("outputsOf", values);
    const place = row?.slots.indexOf(slot) ?? -1;
    // Empty ones are not written.
    if (row === undefined || place < 0) return new Uint8Array(0);
    return new Packed(row.bytes, row.slots.length).at(place);
  }

  /** To be written by the next flush. */
  changed(chunk: Chunk): void {
    this.#dirty.add(chunk);
  }

  /** To be written by the next flush, with the true time of its first expiry. */
  expired(chunk: Chunk): void {
    this.#dirty.add(chunk);
    this.#expired.add(chunk);
  }

  /** Writes what has changed into the open transaction. */
  flush(): void {
    for (const chunk of this.#dirty)
      if (chunk.isEmpty()) this.#delete(chunk);
      else this.#write(chunk);
    this.#dirty.clear();
  }

  /** Keeps memory bounded; between calls, since a call holds chunks. */
  trim(): void {
    if (this.#known.size > keptMax || this.#specBytes > specBytesKeptMax) this.forget();
  }

  /** After a rollback: what is in memory may not be so. */
  forget(): void {
    this.#known.clear();
    this.#dirty.clear();
    this.#expired.clear();
    this.#heads.clear();
    this.#specBytes = 0;
  }

  #byFirst(firstSeq: number): Chunk | undefined {
    const known = this.#known.get(firstSeq);
    if (known !== undefined) return known.chunk;
    const row = this.#sql.one<StoredChunk>("chunkByFirst", { first_seq: firstSeq });
    if (row === undefined) return undefined;
    const chunk = chunkOf(row);
    const { has_queued, expires_ms, has_succeeded, ended_ms } = row;
    this.#known.set(firstSeq, { chunk, index: { has_queued, expires_ms, has_succeeded, ended_ms } });
    return chunk;
  }

  #readSpecs({ facts, count }: Chunk): Packed {
    const row = this.#sql.one<{ bytes: Uint8Array }>("specsOf", { first_seq: facts.firstSeq });
    const { bytes } = row as { bytes: Uint8Array };
    this.#specBytes += bytes.length;
    return new Packed(bytes, count);
  }

  #write(chunk: Chunk): void {
    const first_seq = chunk.facts.firstSeq;
    const ended = chunk.takeOutputs();
    if (ended !== undefined) this.#sql.run("insertOutputs", { first_seq, ...ended });
    this.#sql.run("updateChunk", rowOf(chunk));
    const known = this.#known.get(first_seq) as Known;
    const before = known.index;
    const index = indexOf(chunk, this.#expired.delete(chunk) ? { ...before, expires_ms: null } : before);
    const values = { first_seq, ...index };
    if (index.has_queued !== before.has_queued) this.#sql.run("indexQueued", values);
    if (index.expires_ms !== before.expires_ms) this.#sql.run("indexRunning", values);
    if (index.has_succeeded !== before.has_succeeded || index.ended_ms !== before.ended_ms)
      this.#sql.run("indexSucceeded", values);
    known.index = index;
  }

  #delete(chunk: Chunk): void {
    const first_seq = chunk.facts.firstSeq;
    for (const statement of ["deleteChunk", "deleteSpecs", "deleteOutputs"])
      this.#sql.run(statement, { first_seq });
    this.#known.delete(first_seq);
    this.#expired.delete(chunk);
  }
}
