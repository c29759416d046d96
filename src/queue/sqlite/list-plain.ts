/** Plain tasks for a listing, newest first. */
import type { TaskState } from "../task.ts";
import { type Chunk, chunkSpanMax, type Seat, type SlotState } from "./chunk.ts";
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
  for (const chunk of chunks) {
    const { firstSeq } = chunk.facts;
    // Chunks of one call lie in each other: those that follow may have tasks of up to a span after their first.
    if (found.length >= limit && (found[limit - 1] as Found).seq > firstSeq + chunkSpanMax) break;
    const oldest = found.at(-1)?.seq ?? Number.POSITIVE_INFINITY;
    for (let slot = chunk.count - 1; slot >= 0; slot--) {
      const seq = chunk.seqOf(slot);
      const state = chunk.stateOf(slot);
      if (seq >= before || state === undefined || (wanted !== undefined && state !== wanted)) continue;
      found.push({ seq, seat: { chunk, slot } });
    }
    if (chunk.seqOf(chunk.count - 1) > oldest) found.sort((one, other) => other.seq - one.seq);
  }
  return found.slice(0, limit);
}
