/**
 * Plain tasks that came together and are alike but for their specs, kept as one: so a batch costs SQLite a few rows and not
 * a few for each task. A plain task is queued at once, runs once and succeeds; one that does anything else moves out into a
 * row of its own (move-out.ts) and leaves its slot empty.
 */
import type { RetryPolicy } from "../task.ts";
import { type Packed, pack } from "./packed.ts";
import { chunkPrefix } from "./plain-id.ts";

/** What a chunk's tasks have in common. */
export interface ChunkFacts {
  /** The `seq` of the task in slot 0. */
  readonly firstSeq: number;
  readonly queue: string;
  readonly tenant: string;
  readonly priority: number;
  readonly lane: string;
  /** As a task's row has them. */
  readonly retry: string;
  readonly labels: string;
  /** The place of slot 0; the others follow. */
  readonly firstPlace: number;
  readonly createdMs: number;
  /** While they are QUEUED; then one more. */
  readonly fence: number;
}

/** Between the first and the last `seq` of a chunk, at most: tasks of other chunks that came in the same call lie between. */
export const chunkSpanMax = 1_000;

/** Of tasks that were leased together. */
export interface Term {
  readonly workerId: string;
  readonly startedMs: number;
  readonly leaseMs: number;
  readonly expiresMs: number;
}

export type SlotState = "QUEUED" | "RUNNING" | "SUCCEEDED";

/** A task's place in its chunk. */
export interface Seat {
  readonly chunk: Chunk;
  readonly slot: number;
}

const states: readonly SlotState[] = ["QUEUED", "RUNNING", "SUCCEEDED"];
const [queued, running, succeeded, empty] = [0, 1, 2, 3];
/** Of a slot: its state, which term it had, and which ending. */
const slotBytes = 3;

export class Chunk {
  readonly facts: ChunkFacts;
  readonly prefix: string;
  readonly count: number;
  readonly retryPolicy: RetryPolicy;
  readonly labelSet: Readonly<Record<string, string>>;
  /** By slot, how far its `seq` is from the first; undefined: they follow each other. */
  readonly offsets: Uint16Array | undefined;
  readonly terms: Term[];
  /** When tasks succeeded: those that did so in one call share an ending. */
  readonly endingsMs: number[];
  /** Slots by state. */
  readonly counts: Record<SlotState, number> = { QUEUED: 0, RUNNING: 0, SUCCEEDED: 0 };
  /** All states, then all terms, then all endings. */
  readonly slots: Uint8Array;
  /** Read when they are first needed. */
  specs: Packed | undefined;
  /** Of the ending that is not written yet, those that are not empty, by slot. */
  #outputs: Map<number, Uint8Array> | undefined;
  /** No slot before it is QUEUED. */
  #next = 0;

  constructor(
    facts: ChunkFacts,
    kept: {
      readonly slots: Uint8Array;
      readonly offsets?: Uint16Array;
      readonly terms?: Term[];
      readonly endingsMs?: number[];
      readonly specs?: Packed;
    },
  ) {
    this.facts = facts;
    this.prefix = chunkPrefix(facts.queue, facts.createdMs, facts.firstSeq);
    this.retryPolicy = JSON.parse(facts.retry) as RetryPolicy;
    this.labelSet = JSON.parse(facts.labels) as Record<string, string>;
    this.slots = kept.slots;
    this.count = kept.slots.length / slotBytes;
    this.offsets = kept.offsets;
    this.terms = kept.terms ?? [];
    this.endingsMs = kept.endingsMs ?? [];
    this.specs = kept.specs;
    for (let slot = 0; slot < this.count; slot++) {
      const state = this.stateOf(slot);
      if (state !== undefined) this.counts[state] += 1;
    }
  }

  /** Of a new chunk: every task is QUEUED. */
  static newSlots(count: number): Uint8Array {
    return new Uint8Array(slotBytes * count);
  }

  /** Undefined: the slot is empty. */
  stateOf(slot: number): SlotState | undefined {
    return states[this.slots[slot] as number];
  }

  seqOf(slot: number): number {
    return this.facts.firstSeq + (this.offsets?.[slot] ?? slot);
  }

  fenceOf(slot: number): number {
    return this.slots[slot] === queued ? this.facts.fence : this.facts.fence + 1;
  }

  /** Undefined: it was not leased. */
  termOf(slot: number): Term | undefined {
    return this.slots[slot] === queued ? undefined : this.terms[this.slots[this.count + slot] as number];
  }

  /** Which ending it had. */
  endingOf(slot: number): number {
    return this.slots[2 * this.count + slot] as number;
  }

  /** Undefined: it has not ended. */
  endedMsOf(slot: number): number | undefined {
    return this.slots[slot] === succeeded ? this.endingsMs[this.endingOf(slot)] : undefined;
  }

  slotsIn(state: SlotState): number[] {
    const wanted = states.indexOf(state);
    const found: number[] = [];
    for (let slot = 0; slot < this.count; slot++) if (this.slots[slot] === wanted) found.push(slot);
    return found;
  }

  isEmpty(): boolean {
    const { QUEUED, RUNNING, SUCCEEDED } = this.counts;
    return QUEUED + RUNNING + SUCCEEDED === 0;
  }

  /** The place of the first QUEUED task; there must be one. */
  nextPlace(): number {
    while (this.slots[this.#next] !== queued) this.#next += 1;
    return this.facts.firstPlace + this.#next;
  }

  /** Leases the first QUEUED tasks, up to `max` of those before a place; answers their slots. */
  lease(term: Term, max: number, beforePlace: number): number[] {
    const number = this.#numberOf(term);
    const end = Math.min(this.count, beforePlace - this.facts.firstPlace);
    const leased: number[] = [];
    let slot = this.#next;
    for (; slot < end && leased.length < max; slot++) {
      if (this.slots[slot] !== queued) continue;
      this.slots[slot] = running;
      this.slots[this.count + slot] = number;
      leased.push(slot);
    }
    this.#next = slot;
    this.counts.QUEUED -= leased.length;
    this.counts.RUNNING += leased.length;
    return leased;
  }

  /** Leases of one call may take turns with other lanes: they share a term. */
  #numberOf(term: Term): number {
    const last = this.terms.at(-1);
    const isLast =
      last?.workerId === term.workerId &&
      last.startedMs === term.startedMs &&
      last.expiresMs === term.expiresMs;
    return isLast ? this.terms.length - 1 : this.terms.push(term) - 1;
  }

  succeed(slot: number, nowMs: number, output: Uint8Array): void {
    if (this.#outputs === undefined) {
      this.#outputs = new Map();
      this.endingsMs.push(nowMs);
    }
    if (output.length > 0) this.#outputs.set(slot, output);
    this.slots[slot] = succeeded;
    this.slots[2 * this.count + slot] = this.endingsMs.length - 1;
    this.counts.RUNNING -= 1;
    this.counts.SUCCEEDED += 1;
  }

  /** The outputs of the last ending, to be written; undefined: there are none. Ends that come then have another ending. */
  takeOutputs(): { ending: number; slots: Uint8Array; bytes: Uint8Array } | undefined {
    const outputs = this.#outputs;
    this.#outputs = undefined;
    if (outputs === undefined || outputs.size === 0) return undefined;
    const ending = this.endingsMs.length - 1;
    return { ending, slots: Uint8Array.from(outputs.keys()), bytes: pack([...outputs.values()]).bytes };
  }

  /** Its task was deleted, or stands in a row from now on. */
  vacate(slot: number): void {
    const state = this.stateOf(slot);
    if (state !== undefined) this.counts[state] -= 1;
    this.slots[slot] = empty;
  }

  /** When the first lease ends. */
  firstExpiryMs(): number | undefined {
    let first: number | undefined;
    if (this.counts.RUNNING === 0) return undefined;
    for (let slot = 0; slot < this.count; slot++) {
      if (this.slots[slot] !== running) continue;
      const { expiresMs } = this.termOf(slot) as Term;
      if (first === undefined || expiresMs < first) first = expiresMs;
    }
    return first;
  }

  /** When the first of those that succeeded did. */
  firstEndMs(): number | undefined {
    if (this.counts.SUCCEEDED === 0) return undefined;
    let first = this.endingsMs.length;
    for (let slot = 0; slot < this.count; slot++)
      if (this.slots[slot] === succeeded) first = Math.min(first, this.endingOf(slot));
    return this.endingsMs[first];
  }
}
