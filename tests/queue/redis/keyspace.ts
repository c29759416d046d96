/** Reads what a queue has in Redis, in the words of src/queue/redis/keys.ts. */
import type { Redis } from "ioredis";
import { laneName } from "../../../src/queue/lane.ts";
import { Reader } from "../../../src/queue/redis/bytes.ts";
import { madeUnique, ownKinds, readKind, type SlotKind } from "../../../src/queue/redis/chunk.ts";
import { type TaskState, taskStates } from "../../../src/queue/task.ts";

/** What a task's head says of where it is mentioned. */
export interface Head {
  readonly unique: string;
  readonly state: TaskState;
  readonly priority: number;
  readonly flags: number;
  readonly place: number;
  readonly chunk: number;
  readonly slot: number;
  readonly worker: number;
  readonly queuedMs: number;
  readonly dueMs: number;
  /** Of a task that lives in its row. */
  readonly lane?: string;
}

/** A task as a list names it: at a place in its lane, 0 in its row; a slot of a chunk, or a name alone. */
export interface Mention {
  /** Empty where the chunk is gone. */
  readonly unique: string;
  readonly place: number;
  readonly chunk?: number;
  readonly slot?: number;
}

/** A chunk, as far as it is there. */
export interface Chunk {
  readonly number: number;
  readonly index: ChunkIndex;
  readonly count: number;
}

/** What lua/include/chunk.lua says of a chunk. */
class ChunkIndex {
  readonly createdMs: number;
  /** False where the ids were made. */
  readonly isNamed: boolean;
  readonly #names: readonly string[];
  readonly #kinds: readonly (SlotKind | undefined)[];

  constructor(number: number, chunk: Buffer) {
    this.createdMs = chunk.readUIntBE(0, 6);
    const indexBytes = chunk.readUInt32BE(10);
    const [count, width, kinds] = [14, 15, 16].map((at) => chunk[at] as number) as [number, number, number];
    this.isNamed = width > 0;
    const index = new Reader(chunk, 31 + 4 * count);
    const stamp = chunk.toString("latin1", 18, 31);
    const nameOf = (slot: number) => {
      if (width === 0) return madeUnique(stamp, slot, number);
      return width === 255 ? index.text8() : index.latin1(width);
    };
    this.#names = Array.from({ length: count }, (_, slot) => nameOf(slot));
    const shared = kinds === 1 ? readKind(index) : undefined;
    this.#kinds = Array.from({ length: count }, (_, slot) => {
      const begins = slot === 0 ? 0 : chunk.readUInt32BE(31 + 4 * (slot - 1));
      return kinds === ownKinds ? readKind(new Reader(chunk, indexBytes + begins)) : shared;
    });
  }

  uniqueOf(slot: number): string {
    return this.#names[slot] as string;
  }

  kindOf(slot: number): SlotKind {
    return this.#kinds[slot] as SlotKind;
  }
}

const rowBytes = 24;
const moved = 254;
const gone = 255;
/** Stands in place of a head where a task with a name lives in its row. */
const inRow = 255;

/** One queue's keys. */
export class Keyspace {
  readonly base: string;
  /** What follows the base, of every key that is there. */
  readonly suffixes: readonly string[];
  readonly #client: Redis;

  constructor(client: Redis, base: string, all: readonly string[]) {
    this.base = base;
    this.suffixes = all.filter((key) => key.startsWith(base)).map((key) => key.slice(base.length));
    this.#client = client;
  }

  /** What follows `kind` and a colon, of every key of that kind. */
  names(kind: string): string[] {
    return this.suffixes.filter((one) => one.startsWith(`${kind}:`)).map((one) => one.slice(kind.length + 1));
  }

  async heads(): Promise<Map<string, Head>> {
    const packed = await this.#client.hgetallBuffer(`${this.base}t`);
    const heads = new Map<string, Head>();
    for (const [unique, head] of Object.entries(packed))
      if (head[0] !== inRow) heads.set(unique, readHead(unique, head));
    for (const head of await this.#rows()) heads.set(head.unique, head);
    return heads;
  }

  /** `NAME=CHUNK.SLOT` of each task with a name that is said to live in its row. */
  async namedRows(): Promise<string[]> {
    const packed = await this.#client.hgetallBuffer(`${this.base}t`);
    return Object.entries(packed)
      .filter(([, head]) => head[0] === inRow)
      .map(([unique, place]) => `${unique}=${place.readUIntBE(1, 5)}.${place[6]}`);
  }

  async #rows(): Promise<Head[]> {
    const prints = new Set(await this.fields("f"));
    const chunks = await Promise.all(this.names("S").map((number) => this.chunk(number)));
    const heads = chunks.map(async (chunk) => {
      if (chunk === undefined) return [];
      const rows = await this.#client.getBuffer(`${this.base}M:${chunk.number}`);
      return Array.from({ length: chunk.count }, (_, slot) => {
        const row = rows?.subarray(slot * rowBytes, (slot + 1) * rowBytes);
        return readRow(chunk, slot, row?.length === rowBytes ? row : Buffer.alloc(rowBytes));
      }).map((head) => head && { ...head, flags: prints.has(head.unique) && head.isNamed ? 32 : 0 });
    });
    return (await Promise.all(heads)).flat().filter((head) => head !== undefined);
  }

  hash(suffix: string): Promise<Record<string, string>> {
    return this.#client.hgetall(this.base + suffix);
  }

  fields(suffix: string): Promise<string[]> {
    return this.#client.hkeys(this.base + suffix);
  }

  members(suffix: string): Promise<string[]> {
    return this.#client.smembers(this.base + suffix);
  }

  /** `member=score` of each. */
  async scores(suffix: string): Promise<Map<string, number>> {
    const flat = await this.#client.zrange(this.base + suffix, "0", "-1", "WITHSCORES");
    const scores = new Map<string, number>();
    for (let i = 0; i < flat.length; i += 2) scores.set(flat[i] as string, Number(flat[i + 1]));
    return scores;
  }

  /** The queue's numbers, in the order of lua/include/numbers.lua. */
  async numbers(): Promise<{ counts: number[]; multi: number; stale: number }> {
    const packed = await this.#client.hgetBuffer(`${this.base}q`, "numbers");
    const at = (place: number) => packed?.readIntBE(6 * (place - 1), 6) ?? 0;
    return { counts: taskStates.map((_, index) => at(1 + index)), multi: at(18), stale: at(19) };
  }

  /** The timeout to start of each task that has timeouts. */
  async startTimeouts(): Promise<Map<string, number>> {
    const packed = await this.#client.hgetallBuffer(`${this.base}z`);
    return new Map(Object.entries(packed).map(([unique, z]) => [unique, z.readUIntBE(0, 6)]));
  }

  async chunk(number: string | number): Promise<Chunk | undefined> {
    const packed = await this.#client.getBuffer(`${this.base}S:${number}`);
    if (packed === null) return undefined;
    const index = new ChunkIndex(Number(number), packed);
    return { number: Number(number), index, count: packed[14] as number };
  }

  /** What a lane has, in order: its first entries lie in a hash, and more, where a byte says so, in a list. */
  async lane(lane: string): Promise<{ mentions: Mention[]; saysMore: boolean; hasMore: boolean }> {
    const front = new Reader((await this.#client.hgetBuffer(`${this.base}Q`, lane)) ?? Buffer.alloc(1));
    const saysMore = front.u8() === 1;
    const entries: Buffer[] = [];
    while (!front.ended) entries.push(front.blob8());
    const more = await this.#client.lrangeBuffer(`${this.base}Q:${lane}`, 0, -1);
    const mentions = [...entries, ...more].map(async (entry): Promise<Mention[]> => {
      if (entry[0] === 0) return [{ place: entry.readUIntBE(1, 6), unique: entry.subarray(7).toString() }];
      return this.#slots(new Reader(entry.subarray(1)));
    });
    return { mentions: (await Promise.all(mentions)).flat(), saysMore, hasMore: more.length > 0 };
  }

  /** The tasks in a run of leases. */
  async leaseRun(run: string): Promise<string[]> {
    const packed = await this.#client.hgetBuffer(`${this.base}i`, run);
    return packed === null ? [] : this.#pieces(packed.subarray(2));
  }

  /** `RUN=LEASES` that are left of each. */
  async leasesLeft(): Promise<[string, number][]> {
    const packed = await this.#client.hgetallBuffer(`${this.base}i`);
    return Object.entries(packed).map(([run, leases]) => [run, leases.readUInt16BE()]);
  }

  /** The runs of tasks that ended together. */
  async finalRuns(): Promise<{ run: number; uniques: string[] }[]> {
    const entries = await this.#client.lrangeBuffer(`${this.base}F`, 0, -1);
    return Promise.all(
      entries.map(async (entry) => ({
        run: entry.readUIntBE(0, 6),
        uniques: await this.#pieces(entry.subarray(12)),
      })),
    );
  }

  async #pieces(packed: Buffer): Promise<string[]> {
    const reader = new Reader(packed);
    const uniques: string[] = [];
    while (!reader.ended) {
      if (reader.u8() === 0) uniques.push(reader.text8());
      else uniques.push(...(await this.#slots(reader)).map(({ unique }) => unique));
    }
    return uniques;
  }

  /** Chunk I5, slot B, tasks B. */
  async #slots(reader: Reader): Promise<Mention[]> {
    const [number, first, count] = [reader.u40(), reader.u8(), reader.u8()];
    const chunk = await this.chunk(number);
    return Array.from({ length: count }, (_, nth) => {
      const slot = first + nth;
      return { unique: chunk?.index.uniqueOf(slot) ?? "", place: 0, chunk: number, slot };
    });
  }
}

const rowStates: Readonly<Record<number, TaskState>> = { 0: "QUEUED", 3: "RUNNING", 5: "SUCCEEDED" };

/** Undefined where the task does not live in its row. */
function readRow(
  { number, index }: Chunk,
  slot: number,
  row: Buffer,
): (Head & { isNamed: boolean }) | undefined {
  const byte = row[0] as number;
  if (byte === moved || byte === gone) return undefined;
  const kind = index.kindOf(slot);
  const state = rowStates[byte] as TaskState;
  return {
    unique: index.uniqueOf(slot),
    state,
    priority: kind.priority,
    flags: 0,
    place: row.readUIntBE(1, 6),
    chunk: number,
    slot,
    worker: row.readUInt32BE(7),
    queuedMs: index.createdMs,
    dueMs: state === "RUNNING" ? row.readUIntBE(17, 6) : 0,
    lane: laneName(kind),
    isNamed: index.isNamed,
  };
}

function readHead(unique: string, head: Buffer): Head {
  return {
    unique,
    state: taskStates[head[0] as number] as TaskState,
    priority: head[1] as number,
    flags: head.readUIntBE(3, 3),
    place: head.readUIntBE(20, 6),
    chunk: head.readUIntBE(48, 5),
    slot: head[53] as number,
    worker: head.readUInt32BE(38),
    queuedMs: head.readUIntBE(60, 6),
    dueMs: head.readUIntBE(32, 6),
  };
}
