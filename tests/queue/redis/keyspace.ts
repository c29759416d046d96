/** Reads what a queue has in Redis, in the words of src/queue/redis/keys.ts. */
import type { Redis } from "ioredis";
import { Reader } from "../../../src/queue/redis/bytes.ts";
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
}

/** A run of neighbours in a chunk, out of a lane's list. */
export interface LaneRun {
  readonly place: number;
  /** Empty where the chunk is gone. */
  readonly uniques: readonly string[];
  readonly count: number;
}

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
    return new Map(Object.entries(packed).map(([unique, head]) => [unique, readHead(unique, head)]));
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

  async hashNumber(suffix: string, field: string): Promise<number> {
    return Number((await this.#client.hget(this.base + suffix, field)) ?? 0);
  }

  /** The timeout to start of each task that has timeouts. */
  async startTimeouts(): Promise<Map<string, number>> {
    const packed = await this.#client.hgetallBuffer(`${this.base}z`);
    return new Map(Object.entries(packed).map(([unique, z]) => [unique, z.readUIntBE(0, 6)]));
  }

  async chunkNames(chunk: string): Promise<string[]> {
    const packed = await this.#client.getBuffer(`${this.base}S:${chunk}`);
    if (packed === null) return [];
    const reader = new Reader(packed);
    reader.skip(2);
    const count = reader.u8();
    const width = reader.u8();
    return Array.from({ length: count }, () =>
      width === 0 ? reader.text8() : reader.view(width).toString(),
    );
  }

  async lane(lane: string): Promise<LaneRun[]> {
    const entries = await this.#client.lrangeBuffer(`${this.base}Q:${lane}`, 0, -1);
    return Promise.all(entries.map((entry) => this.#laneRun(entry)));
  }

  async #laneRun(entry: Buffer): Promise<LaneRun> {
    const [chunk, slot, count] = [entry.readUIntBE(0, 5), entry[5] as number, entry[6] as number];
    const place = entry.readUIntBE(9, 6);
    if (count === 1) return { place, count, uniques: [entry.subarray(15).toString()] };
    return { place, count, uniques: (await this.chunkNames(String(chunk))).slice(slot, slot + count) };
  }

  /** The tasks in a run of leases. */
  async leaseRun(run: string): Promise<string[]> {
    const packed = await this.#client.getBuffer(`${this.base}E:${run}`);
    return packed === null ? [] : readNames(packed);
  }

  /** The runs of tasks that ended together. */
  async finalRuns(): Promise<{ run: number; uniques: string[] }[]> {
    const entries = await this.#client.lrangeBuffer(`${this.base}F`, 0, -1);
    return entries.map((entry) => {
      return { run: entry.readUIntBE(0, 6), uniques: readNames(entry.subarray(12)) };
    });
  }
}

function readNames(packed: Buffer): string[] {
  return packed.toString().split(",");
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
    queuedMs: head.readUIntBE(68, 6),
    dueMs: head.readUIntBE(32, 6),
  };
}
