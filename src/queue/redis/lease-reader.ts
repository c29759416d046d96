/** Reads what the lease script hands out: tasks that live in rows by pieces of a chunk, the others one by one. */
import type { LeaseAsk, LeasedTask } from "../store.ts";
import type { Reader } from "./bytes.ts";
import { ChunkIndex } from "./chunk.ts";
import { noTimeouts, noUsage, plainBytes, RecordReader } from "./pack.ts";

/** In place of a slot: each piece has its specs in a value of its own. */
const none = 255;

interface LeasedChunk {
  readonly index: ChunkIndex;
  /** Specs from a slot on, which the pieces share. */
  readonly shared?: { readonly first: number; readonly specs: Buffer };
}

export class LeaseReader {
  readonly #reader: Reader;
  readonly #records: RecordReader;
  readonly #queue: string;
  readonly #chunks = new Map<number, LeasedChunk>();

  constructor(reader: Reader, values: readonly Buffer[], queue: string) {
    this.#reader = reader;
    this.#records = new RecordReader(reader, values, queue);
    this.#queue = queue;
  }

  /** Adds the next piece to the tasks of the ask that it was given to; answers how many those are. */
  read(ask: LeaseAsk, tasks: LeasedTask[]): number {
    if (this.#reader.u8() === 1) return this.#readPiece(ask, tasks);
    const { workerId, leaseMs } = ask;
    tasks.push(Object.assign(this.#records.read(), { workerId, leaseMs }));
    return 1;
  }

  #readPiece({ workerId, leaseMs }: LeaseAsk, tasks: LeasedTask[]): number {
    const reader = this.#reader;
    const [number, first, count] = [reader.u40(), reader.u8(), reader.u8()];
    const [startedMs, leaseExpiresMs] = [reader.u48(), reader.u48()];
    const { index, shared } = this.#chunk(number, reader.u8());
    const specs = shared?.specs ?? this.#records.value();
    const base = index.specEnd((shared?.first ?? first) - 1);
    let at = index.specEnd(first - 1) - base;
    for (let slot = first; slot < first + count; slot++) {
      const from = at;
      at = index.specEnd(slot) - base;
      const { tenant, priority, workflowId, retry, labels, concurrencyKey, workerLabels } =
        index.kindOf(slot);
      tasks.push({
        id: `${this.#queue}.${index.uniqueOf(slot)}`,
        queue: this.#queue,
        tenant,
        priority,
        state: "RUNNING",
        attempt: 1,
        fence: index.fence + 1,
        generation: 1,
        retry,
        timeouts: noTimeouts,
        concurrencyKey,
        workerLabels,
        parents: [],
        parentsPending: 0,
        workflowId,
        labels,
        createdMs: index.createdMs,
        queuedMs: index.createdMs,
        startedMs,
        finishedMs: undefined,
        runAtMs: undefined,
        leaseExpiresMs,
        workerId,
        spec: plainBytes(specs.subarray(from, at)),
        output: undefined,
        error: undefined,
        progress: undefined,
        usage: noUsage,
        resumeState: undefined,
        lastSequence: 2,
        leaseMs,
      });
    }
    return count;
  }

  /** A chunk's index, and the specs that all its pieces share, come with its first piece. */
  #chunk(number: number, sharedFrom: number): LeasedChunk {
    const known = this.#chunks.get(number);
    if (known !== undefined) return known;
    const index = new ChunkIndex(number, this.#records.value());
    const shared = sharedFrom === none ? undefined : { first: sharedFrom, specs: this.#records.value() };
    const chunk = { index, shared };
    this.#chunks.set(number, chunk);
    return chunk;
  }
}
