/** Names that the mesh makes: task ids carry their queue, so that any replica finds a task's home by its id alone. */
import { createHash, randomFillSync } from "node:crypto";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

function encodeTime(timeMs: number): string {
  let rest = timeMs;
  let text = "";
  for (let place = 0; place < 9; place++) {
    text = alphabet[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function encodeBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += alphabet[byte & 31];
  return text;
}

/** Chance is fetched for many ids at once: each call of the kernel costs more than an id. */
const chanceBytes = 12;
const pool = Buffer.alloc(chanceBytes * 512);
let poolAt = pool.length;

function chance(): Uint8Array {
  if (poolAt === pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  poolAt += chanceBytes;
  return pool.subarray(poolAt - chanceBytes, poolAt);
}

/** 9 characters of time and 12 of chance (60 bits): sorts by time, 21 characters in all. */
export function uniqueId(timeMs: number): string {
  return encodeTime(timeMs) + encodeBytes(chance());
}

/** When {@link uniqueId} made it, in milliseconds since 1970. */
export function timeOf(unique: string): number {
  let timeMs = 0;
  for (const character of unique.slice(0, 9)) timeMs = timeMs * 32 + alphabet.indexOf(character);
  return timeMs;
}

/** The same 24 characters (120 bits) for the same parts; parts are length-prefixed, so none can imitate another. */
export function derivedId(...parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return encodeBytes(hash.digest().subarray(0, 24));
}

export const rolePattern = /^[a-z][a-z0-9-]{0,47}$/;
const taskIdPattern = /^([a-z][a-z0-9-]{0,47})\.([0-9a-z]{1,64})$/;

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
  return taskIdPattern.exec(id)?.[1];
}
