/** Names that the mesh makes: task ids carry their queue, so that any replica finds a task's home by its id alone. */
import { createHash, randomFillSync } from "node:crypto";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

const codes = Buffer.from(alphabet);

function codeOf(value: number): number {
  return codes[value & 31] as number;
}

function encodeBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.map(codeOf)).toString("latin1");
}

const timeCharacters = 9;
const chanceCharacters = 12;

/** Chance is fetched for many ids at once: each call of the kernel costs more than an id. */
const pool = Buffer.alloc(chanceCharacters * 512);
let poolAt = pool.length;

/** The newest id; the next one of the same millisecond begins in the same way. */
const newest = Buffer.alloc(timeCharacters + chanceCharacters);
let newestMs = Number.NaN;

function writeTime(timeMs: number): void {
  let rest = timeMs;
  for (let place = timeCharacters - 1; place >= 0; place--) {
    newest[place] = codeOf(rest % 32);
    rest = Math.floor(rest / 32);
  }
  newestMs = timeMs;
}

function writeChance(): void {
  if (poolAt === pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  for (let place = timeCharacters; place < newest.length; place++)
    newest[place] = codeOf(pool[poolAt++] as number);
}

/** 9 characters of time and 12 of chance (60 bits): sorts by time, 21 characters in all. */
export function uniqueId(timeMs: number): string {
  if (timeMs !== newestMs) writeTime(timeMs);
  writeChance();
  return newest.toString("latin1");
}

/** When {@link uniqueId} made it, in milliseconds since 1970. */
export function timeOf(unique: string): number {
  let timeMs = 0;
  for (const character of unique.slice(0, timeCharacters)) timeMs = timeMs * 32 + alphabet.indexOf(character);
  return timeMs;
}

/** The same 24 characters (120 bits) for the same parts; parts are length-prefixed, so none can imitate another. */
export function derivedId(...parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return encodeBytes(hash.digest().subarray(0, 24));
}

export const rolePattern = /^[a-z][a-z0-9-]{0,47}$/;
const taskIdPattern = /^[a-z][a-z0-9-]{0,47}\.[0-9a-z]{1,64}$/;

/** `QUEUE.UNIQUE`. */
export function taskId(queue: string, unique: string): string {
  return `${queue}.${unique}`;
}

/** The id of the task that an idempotency key stands for: known before it is submitted. */
export function keyedTaskId(queue: string, tenant: string, key: string): string {
  return taskId(queue, derivedId("key", queue, tenant, key));
}

/** The queue that a task id names, or undefined where the id is malformed. */
export function queueOf(id: string): string | undefined {
  return taskIdPattern.test(id) ? id.slice(0, id.indexOf(".")) : undefined;
}
