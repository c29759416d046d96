/**
 * Looks at every key of a store and reports what does not hold: each task is in exactly one state and in the indexes of that
 * state, counts are exact, and no key is left without a task.
 */
import type { Redis } from "ioredis";
import { Reader } from "../../../src/queue/redis/bytes.ts";
import { type TaskState, taskStates } from "../../../src/queue/task.ts";

interface Found {
  readonly state: TaskState;
  readonly number: number;
  readonly place: number;
}

/** Faults in words; empty: all is well. */
export async function audit(client: Redis, prefix: string): Promise<string[]> {
  const queues = await client.smembers(`${prefix}:queues`);
  const keys = (await client.keys(`${prefix}:*`)).filter((key) => key !== `${prefix}:queues`);
  const strays = keys.filter((key) => !queues.some((queue) => key.startsWith(`${prefix}:{${queue}}:`)));
  const faults = await Promise.all(queues.map((queue) => auditQueue(client, `${prefix}:{${queue}}:`, keys)));
  return [...strays.map((key) => `${key} is outside its queue's slot`), ...faults.flat()];
}

async function auditQueue(client: Redis, base: string, all: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  const suffixes = all.filter((key) => key.startsWith(base)).map((key) => key.slice(base.length));
  const tasks = new Map<string, Found>();
  for (const suffix of suffixes.filter((one) => one.startsWith("t:")))
    tasks.set(suffix.slice(2), await readFound(client, base + suffix));
  for (const suffix of suffixes) {
    const [kind, unique] = [suffix.slice(0, 2), suffix.slice(2)];
    if (["l:", "c:", "p:"].includes(kind) && !tasks.has(unique)) faults.push(`${base}${suffix} has no task`);
    if (!/^([qrfnxseo]|[tlcprfn]:.+)$/.test(suffix)) faults.push(`${base}${suffix} is unknown`);
  }
  const expectSame = (what: string, found: readonly string[], wanted: readonly string[]) => {
    const [a, b] = [[...found].sort().join(), [...wanted].sort().join()];
    if (a !== b) faults.push(`${base} ${what} holds ${a} and should hold ${b}`);
  };
  const within = (...states: TaskState[]) =>
    Array.from(tasks)
      .filter(([, task]) => states.includes(task.state))
      .map(([unique]) => unique);
  const placed = (uniques: readonly string[], of: (task: Found) => number) =>
    uniques.map((unique) => `${of(tasks.get(unique) as Found)}=${unique}`);
  const place = (task: Found) => task.place;
  const final = within("SUCCEEDED", "FAILED", "CANCELED");
  expectSame("the ready line", await readLine(client, base, "r", suffixes), placed(within("QUEUED"), place));
  expectSame("the final line", await readLine(client, base, "f", suffixes), placed(final, place));
  const everyTask = placed([...tasks.keys()], (task) => task.number);
  expectSame("the line of all", await readLine(client, base, "n", suffixes), everyTask);
  expectSame("the leases", await client.zrange(`${base}e`, "0", "-1"), within("RUNNING"));
  expectSame("the schedule", await client.zrange(`${base}s`, "0", "-1"), within("SCHEDULED"));
  expectSame("the dead letters", await client.zrange(`${base}x`, "0", "-1"), within("FAILED"));
  const counts = await client.hmget(`${base}q`, ..."01234567");
  taskStates.forEach((state, index) => {
    expectSame(`the count of ${state}`, [String(Number(counts[index] ?? 0))], [String(within(state).length)]);
  });
  return faults;
}

async function readFound(client: Redis, key: string): Promise<Found> {
  const reader = new Reader((await client.hgetBuffer(key, "m")) as Buffer);
  const state = taskStates[reader.u8()] as TaskState;
  reader.skip(3 + 2 + 2 + 2 + 4 + 4);
  const number = reader.u40();
  return { state, number, place: reader.u8() * 2 ** 48 + reader.u48() };
}

/** `place=task` of each member; the line's zset must name exactly the buckets that exist. */
async function readLine(
  client: Redis,
  base: string,
  line: string,
  suffixes: readonly string[],
): Promise<string[]> {
  const members: string[] = [];
  const named = await client.zrange(`${base}${line}`, "0", "-1");
  const buckets = suffixes.filter((suffix) => suffix.startsWith(`${line}:`)).map((suffix) => suffix.slice(2));
  if ([...named].sort().join() !== [...buckets].sort().join())
    members.push(`buckets ${buckets} named ${named}`);
  for (const bucket of buckets) {
    const found = await client.hgetall(`${base}${line}:${bucket}`);
    for (const [offset, unique] of Object.entries(found))
      members.push(`${Number(bucket) * 64 + offset.charCodeAt(0)}=${unique}`);
  }
  return members;
}
