/** Reads what the lease script hands out: tasks that live in rows by pieces of a chunk, the others one by one. */
import type { LeaseAsk, LeasedTask } from "../store.ts";
import type { Reader } from "./bytes.ts";
import { ChunkIndex } from "./chunk.ts";
import { noTimeouts, noUsage, plainBytes, RecordReader } from "./pack.ts";

export class LeaseReader {
  readonly #reader: Reader;
  readonly #records: RecordReader;
  readonly #queue: string;
  readonly #indexes = new Map<number, ChunkIndex>();

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
    const index = this.#index(number);
    const specs = this.#records.value();
    let at = 0;
    for (let slot = first; slot < first + count; slot++) {
      const from = at;
      at += index.specBytes(slot);
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

  /** A chunk's index comes with its first piece. */
  #index(number: number): ChunkIndex {
    const known = this.#indexes.get(number);
    if (known !== undefined) return known;
    const index = new ChunkIndex(number, this.#records.value());
    this.#indexes.set(number, index);
    return index;
  }
}
