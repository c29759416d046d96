/** Reads what the lease script hands out: tasks that live in rows by pieces of a chunk, the others one by one. */
import type { LeaseAsk, LeasedTask } from "../store.ts";
import { Reader } from "./bytes.ts";
import { madeUnique, ownKinds, readKind, stampBytes } from "./chunk.ts";
import { noTimeouts, noUsage, plainBytes, RecordReader } from "./pack.ts";

/** Where a piece's specs are. */
const specsPlaces = { own: 0, firstOfShared: 1, shared: 2 } as const;

export class LeaseReader {
  readonly #reader: Reader;
  readonly #records: RecordReader;
  readonly #queue: string;
  /** Specs that the pieces of a chunk share, by its number. */
  readonly #shared = new Map<number, Buffer>();

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

  /** lua/lease.lua has its format. */
  #readPiece({ workerId, leaseMs }: LeaseAsk, tasks: LeasedTask[]): number {
    const reader = this.#reader;
    const [chunk, first, count] = [reader.u40(), reader.u8(), reader.u8()];
    const [startedMs, leaseExpiresMs, createdMs] = [reader.u48(), reader.u48(), reader.u48()];
    const [fence, kinds, width] = [reader.u32(), reader.u8(), reader.u8()];
    const stamp = reader.latin1(stampBytes);
    const specs = this.#specs(chunk, reader.u8());
    // Where the first spec begins, in the value and in its chunk; ends are told as they are there.
    const [specsAt, begins] = [reader.u32(), reader.u32()];
    const ends = reader.view(4 * count);
    const names = width === 0 ? undefined : Array.from({ length: count }, () => reader.text8());
    const shared = kinds === ownKinds ? undefined : readKind(reader);
    let at = specsAt;
    for (let nth = 0; nth < count; nth++) {
      const from = at;
      at = specsAt + ends.readUInt32BE(4 * nth) - begins;
      const own = shared === undefined ? new Reader(specs, from) : undefined;
      const kind = shared ?? readKind(own as Reader);
      const { tenant, priority, workflowId, retry, labels, concurrencyKey, workerLabels } = kind;
      const unique = names?.[nth] ?? madeUnique(stamp, first + nth, chunk);
      tasks.push({
        id: `${this.#queue}.${unique}`,
        queue: this.#queue,
        tenant,
        priority,
        state: "RUNNING",
        attempt: 1,
        fence,
        generation: 1,
        retry,
        timeouts: noTimeouts,
        concurrencyKey,
        workerLabels,
        parents: [],
        parentsPending: 0,
        workflowId,
        labels,
        createdMs,
        queuedMs: createdMs,
        startedMs,
        finishedMs: undefined,
        runAtMs: undefined,
        leaseExpiresMs,
        workerId,
        spec: plainBytes(specs.subarray(own?.at ?? from, at)),
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

  #specs(chunk: number, place: number): Buffer {
    if (place === specsPlaces.shared) return this.#shared.get(chunk) as Buffer;
    const specs = this.#records.value();
    if (place === specsPlaces.firstOfShared) this.#shared.set(chunk, specs);
    return specs;
  }
}
