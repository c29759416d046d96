/** Plain tasks for a listing, newest first. */
import type { TaskState } from "../task.ts";
import type { Chunk, Seat, SlotState } from "./chunk.ts";
import type { Chunks } from "./chunks.ts";

/** A task that was found; without a seat it has a row. */
export interface Found {
  readonly seq: number;
  readonly seat?: Seat;
}

export interface Range {
  readonly before: number;
  readonly limit: number;
}

const statements: Readonly<Partial<Record<TaskState, string>>> = {
  QUEUED: "listQueuedChunks",
  RUNNING: "listRunningChunks",
  SUCCEEDED: "listSucceededChunks",
} satisfies Record<SlotState, string>;

/** Of all queues, in any state. */
export function plainOf(chunks: Chunks, range: Range): Found[] {
  return seatsIn(chunks.newest("listChunks", {}, range.before), range, undefined);
}

export function plainOfState(chunks: Chunks, queue: string, state: TaskState, range: Range): Found[] {
  const statement = statements[state];
  if (statement === undefined) return [];
  return seatsIn(chunks.newest(statement, { queue }, range.before), range, state);
}

function seatsIn(chunks: Iterable<Chunk>, { before, limit }: Range, wanted: TaskState | undefined): Found[] {
  const found: Found[] = [];
  for (const chunk of chunks)
    for (let slot = chunk.count - 1; slot >= 0; slot--) {
      const seq = chunk.facts.firstSeq + slot;
      const state = chunk.stateOf(slot);
      if (seq >= before || state === undefined || (wanted !== undefined && state !== wanted)) continue;
      found.push({ seq, seat: { chunk, slot } });
      if (found.length === limit) return found;
    }
  return found;
}
