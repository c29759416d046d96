/**
 * Chunks: tasks that come together lie in one value, since a value, and a look at one, costs Redis more than what is in it.
 * lua/include/chunk.lua has its format: the index first, then the specs.
 */
import { areAlike, hasTimeouts } from "../alike.ts";
import { laneName, laneOf } from "../lane.ts";
import type { NewTask } from "../store.ts";
import { type Reader, Writer } from "./bytes.ts";
import { type Header, packHeader, packTimeouts, unpackHeader, unpackTimeouts } from "./pack.ts";

/** A chunk is full with these: reading one task of it reads its index, and it stays until its last task is deleted. */
const chunkBytesMax = 16_384;
export const chunkTasksMax = 100;

const fixedBytes = 31;
const lengthPrefixed = 255;
/** In place of the number of a chunk's kinds: each spec has its task's before it. */
export const ownKinds = 2;
const noBytes = Buffer.alloc(0);
/** What some tasks of a chunk have. */
const hasKeys = 1;
const someHaveTimeouts = 2;
/** Of the part of an id that all tasks of a chunk share. */
export const stampBytes = 13;
const noStamp = " ".repeat(stampBytes);

/** Neighbours of a chunk that wait in one lane. */
interface ChunkRun {
  readonly lane: string;
  readonly slot: number;
  count: number;
}

/** What tasks have in common that differ in their specs alone. */
interface Kind {
  readonly of: NewTask;
  readonly lane: string;
}

export class ChunkWriter {
  /** Empty where the tasks have names. */
  readonly stamp: string;
  readonly runs: ChunkRun[] = [];
  readonly fingerprints: string[] = [];
  /** Slots whose tasks have a timeout to start. */
  readonly starts: { readonly slot: number; readonly toStartMs: number }[] = [];
  readonly #names: string[] = [];
  readonly #specs: Uint8Array[] = [];
  readonly #kinds: Kind[] = [];
  /** Each task's kind. */
  readonly #kindOf: number[] = [];
  #specBytes = 0;

  constructor(stamp = "") {
    this.stamp = stamp;
  }

  hasRoomFor(task: NewTask): boolean {
    if (this.#specs.length === 0) return true;
    return this.#specs.length < chunkTasksMax && this.#specBytes + task.spec.length <= chunkBytesMax;
  }

  /** A task that lives in its row; `unique` where it has a name. */
  add(task: NewTask, unique: string | undefined): void {
    const kind = this.#kind(task);
    const { lane } = this.#kinds[kind] as Kind;
    const run = this.runs.at(-1);
    if (run?.lane === lane) run.count += 1;
    else this.runs.push({ lane, slot: this.#specs.length, count: 1 });
    this.#kindOf.push(kind);
    if (unique !== undefined) this.fingerprints.push(task.fingerprint);
    const { toStartMs } = task.timeouts;
    if (toStartMs !== undefined) this.starts.push({ slot: this.#specs.length, toStartMs });
    this.addSpec(task, unique);
  }

  /** A task that has a head. */
  addSpec({ spec }: NewTask, unique: string | undefined): void {
    if (unique !== undefined) this.#names.push(unique);
    this.#specs.push(spec);
    this.#specBytes += spec.length;
  }

  /** The chunk, in bytes that `take` gives. */
  done(take: (bytes: number) => Buffer = Buffer.allocUnsafe): Buffer {
    const specs = this.#specs;
    const count = specs.length;
    const width = this.#width();
    const names =
      width === lengthPrefixed
        ? this.#names.map((one) => String.fromCharCode(one.length) + one).join("")
        : this.#names.join("");
    const kinds = this.#kinds.map(packKind);
    const isMixed = kinds.length > 1;
    const kind = kinds.length === 1 ? (kinds[0] as Buffer) : noBytes;
    const kindBytes = isMixed ? this.#kindOf.reduce((sum, one) => sum + (kinds[one] as Buffer).length, 0) : 0;
    const indexBytes = fixedBytes + 4 * count + names.length + kind.length;
    const chunk = take(indexBytes + kindBytes + this.#specBytes);
    // The script that takes it in sets the first ten.
    chunk.fill(0, 0, 10);
    chunk.writeUInt32BE(indexBytes, 10);
    chunk[14] = count;
    chunk[15] = width;
    chunk[16] = Math.min(kinds.length, ownKinds);
    chunk[17] =
      (this.#kinds.some(({ of }) => of.concurrencyKey !== "") ? hasKeys : 0) +
      (this.#kinds.some(({ of }) => hasTimeouts(of.timeouts)) ? someHaveTimeouts : 0);
    chunk.write(this.stamp || noStamp, 18, "latin1");
    let at = fixedBytes;
    let end = indexBytes;
    for (let slot = 0; slot < count; slot++) {
      if (isMixed) end += copy(kinds[this.#kindOf[slot] as number] as Buffer, chunk, end);
      end += copy(specs[slot] as Uint8Array, chunk, end);
      at = chunk.writeUInt32BE(end - indexBytes, at);
    }
    // Unique parts are ASCII.
    at += chunk.write(names, at, "latin1");
    chunk.set(kind, at);
    return chunk;
  }

  #kind(task: NewTask): number {
    const known = this.#kinds.findLastIndex(({ of }) => areAlike(of, task));
    if (known !== -1) return known;
    return this.#kinds.push({ of: task, lane: laneName(task) }) - 1;
  }

  /** Names of one width, as they mostly are, are found without a look at those before them. */
  #width(): number {
    const [first] = this.#names;
    if (first === undefined) return 0;
    return this.#names.every((name) => name.length === first.length) ? first.length : lengthPrefixed;
  }
}

function packKind({ of, lane }: Kind): Buffer {
  const timeouts = packTimeouts(of.timeouts);
  const writer = new Writer(64).u8(of.priority).text16(lane).blob32(packHeader(of));
  return writer.u8(timeouts.length).raw(timeouts).done();
}

/** What a task's spec does not say. */
export interface SlotKind extends Header, Pick<NewTask, "concurrencyKey" | "workerLabels" | "timeouts"> {
  readonly priority: number;
}

export function readKind(reader: Reader): SlotKind {
  const priority = reader.u8();
  const { concurrencyKey, workerLabels } = laneOf(reader.text16());
  const header = unpackHeader(reader.blob32());
  const { timeouts } = unpackTimeouts(reader.blob8());
  return { priority, concurrencyKey, workerLabels, timeouts, ...header };
}

/** Answers how many bytes. */
function copy(from: Uint8Array, to: Buffer, at: number): number {
  to.set(from, at);
  return from.length;
}

const slotTexts = Array.from({ length: chunkTasksMax }, (_, slot) => String(slot).padStart(2, "0"));

/** The unique part of an id that is made: the chunk's stamp, the slot in it, its number. */
export function madeUnique(stamp: string, slot: number, chunk: number): string {
  return stamp + slotTexts[slot] + chunk;
}

const madePattern = /^[0-9a-z]{13}[0-9]{2}[1-9][0-9]{0,11}$/;

/** Where a task lies whose id was made. */
export interface Made {
  readonly stamp: string;
  readonly slot: number;
  readonly chunk: number;
}

/** What {@link madeUnique} made it of, as far as its form tells; another id may have it by chance, and a stamp that no chunk has. */
export function madeOf(unique: string): Made | undefined {
  if (!madePattern.test(unique)) return undefined;
  const slot = Number(unique.slice(stampBytes, stampBytes + 2));
  return { stamp: unique.slice(0, stampBytes), slot, chunk: Number(unique.slice(stampBytes + 2)) };
}
