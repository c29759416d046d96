/**
 * Looks at every key of a store and reports what does not hold: each task is in exactly one state, and the index of that state
 * mentions it once, with its place; counts are exact; no key is left without an owner.
 */
import type { Redis } from "ioredis";
import { laneName, laneOf } from "../../../src/queue/lane.ts";
import { isFinal, type TaskState, taskStates } from "../../../src/queue/task.ts";
import { auditLanes } from "./audit-lanes.ts";
import { type Head, Keyspace } from "./keyspace.ts";

/** Faults of some queues in words; empty: all is well. */
export async function auditQueues(
  client: Redis,
  prefix: string,
  queues: readonly string[],
): Promise<string[]> {
  const keys = await Promise.all(queues.map((queue) => client.keys(`${prefix}:{${queue}}:*`)));
  const faults = await Promise.all(
    queues.map((queue, nth) => auditQueue(new Keyspace(client, `${prefix}:{${queue}}:`, keys[nth] ?? []))),
  );
  return faults.flat();
}

/** Faults of a whole store in words; empty: all is well. */
export async function audit(client: Redis, prefix: string): Promise<string[]> {
  const queues = await client.smembers(`${prefix}:queues`);
  const keys = (await client.keys(`${prefix}:*`)).filter((key) => key !== `${prefix}:queues`);
  const strays = keys.filter((key) => !queues.some((queue) => key.startsWith(`${prefix}:{${queue}}:`)));
  const faults = await auditQueues(client, prefix, queues);
  return [...strays.map((key) => `${key} is outside its queue's slot`), ...faults];
}

const knownKeys = /^([qQGthfdoepurlgzscnXRYBTKkZEiSDFOwWVAaH]|(S|M|U|R|Q|B|N|L|C|P):.+)$/s;
const hasChildren = 1;
const hasLogList = 2;
const isDead = 4;
const fieldBits = { l: 8, h: 16, f: 32, d: 64, o: 128, e: 256, p: 512, u: 1024 };
const moreFieldBits = { r: 2048, g: 4096, z: 8192, s: 16_384 };

/** A queue's tasks, and what was found wrong with it. */
export class Audit {
  readonly keys: Keyspace;
  readonly heads: ReadonlyMap<string, Head>;
  readonly lanes: ReadonlyMap<string, string>;
  readonly faults: string[] = [];

  constructor(keys: Keyspace, heads: ReadonlyMap<string, Head>, lanes: Readonly<Record<string, string>>) {
    this.keys = keys;
    this.heads = heads;
    this.lanes = new Map(Object.entries(lanes));
  }

  within(...states: TaskState[]): Head[] {
    return [...this.heads.values()].filter(({ state }) => states.includes(state));
  }

  laneOf({ unique, priority, lane }: Head): string {
    return lane ?? this.lanes.get(unique) ?? laneName({ ...plain, priority });
  }

  /** Reports where two collections differ, whatever their order. */
  same(what: string, found: Iterable<string>, wanted: Iterable<string>): void {
    const [a, b] = [[...found].sort().join(), [...wanted].sort().join()];
    if (a !== b) this.faults.push(`${this.keys.base} ${what}: ${a || "none"} where ${b || "none"} should be`);
  }
}

const plain = { tenant: "default", concurrencyKey: "", workerLabels: {} };

async function auditQueue(keys: Keyspace): Promise<string[]> {
  const audited = new Audit(keys, await keys.heads(), await keys.hash("g"));
  audited.same(
    "unknown keys",
    keys.suffixes.filter((suffix) => !knownKeys.test(suffix)),
    [],
  );
  await auditCounts(audited);
  await auditFields(audited);
  await auditLanes(audited);
  await auditLeases(audited);
  await auditTimes(audited);
  await auditEnds(audited);
  await auditChunks(audited);
  await auditWorkers(audited);
  return audited.faults;
}

async function auditCounts(audited: Audit): Promise<void> {
  const { counts } = await audited.keys.numbers();
  taskStates.forEach((state, index) => {
    const count = audited.within(state).length;
    audited.same(`the count of ${state}`, [String(counts[index])], [String(count)]);
  });
}

/** A task's flags say what there is of it besides its head. */
async function auditFields(audited: Audit): Promise<void> {
  const { keys, heads } = audited;
  const flagged = (bit: number) =>
    [...heads.values()].filter(({ flags }) => (flags & bit) !== 0).map(({ unique }) => unique);
  for (const [field, bit] of Object.entries({ ...fieldBits, ...moreFieldBits }))
    audited.same(`the field ${field}`, await keys.fields(field), flagged(bit));
  audited.same("lists of logs", keys.names("L"), flagged(hasLogList));
  audited.same("sets of children", keys.names("C"), flagged(hasChildren));
  audited.same(
    "parents of no task",
    keys.names("P").filter((unique) => !heads.has(unique)),
    [],
  );
}

async function auditLeases(audited: Audit): Promise<void> {
  const { keys } = audited;
  const runs = await keys.scores("E");
  const left = new Map<string, number>();
  audited.same("runs of leases", await keys.fields("i"), runs.keys());
  const running = new Map(audited.within("RUNNING").map((head) => [head.unique, head]));
  const found: string[] = [];
  for (const [run, due] of runs)
    for (const unique of await keys.leaseRun(run)) {
      const head = running.get(unique);
      if (head?.place !== Number(run)) continue;
      found.push(unique);
      left.set(run, (left.get(run) ?? 0) + 1);
      audited.same(`the end of ${unique}'s lease`, [String(due)], [String(head.dueMs)]);
    }
  audited.same("leases", found, running.keys());
  audited.same("leases left of runs", counted(await keys.leasesLeft()), counted(left));
  const perKey = new Map<string, number>();
  for (const head of running.values()) {
    const { concurrencyKey } = laneOf(audited.laneOf(head));
    if (concurrencyKey !== "") perKey.set(concurrencyKey, (perKey.get(concurrencyKey) ?? 0) + 1);
  }
  audited.same("running tasks of keys", counted(Object.entries(await keys.hash("K"))), counted(perKey));
}

async function auditTimes(audited: Audit): Promise<void> {
  const { keys } = audited;
  const due = audited.within("SCHEDULED").map(({ unique, dueMs }) => [unique, dueMs] as const);
  audited.same("the schedule", counted(await keys.scores("S")), counted(due));
  const timeouts = await keys.startTimeouts();
  const starts = audited.within("QUEUED").flatMap(({ unique, queuedMs }) => {
    const toStartMs = timeouts.get(unique) ?? 0;
    return toStartMs > 0 ? [[unique, queuedMs + toStartMs] as const] : [];
  });
  audited.same("timeouts to start", counted(await keys.scores("D")), counted(starts));
}

async function auditEnds(audited: Audit): Promise<void> {
  const { keys } = audited;
  const final = [...audited.heads.values()].filter(({ state }) => isFinal(state));
  const mentioned = (await keys.finalRuns()).flatMap(({ run, uniques }) =>
    uniques.filter((unique) => {
      const head = audited.heads.get(unique);
      return head !== undefined && isFinal(head.state) && head.place === run;
    }),
  );
  audited.same(
    "runs of ends",
    mentioned,
    final.map(({ unique }) => unique),
  );
  const failed = audited.within("FAILED");
  const dead = failed.map(({ unique, chunk, slot }) => [unique, chunk + slot] as const);
  audited.same("dead letters", counted(await keys.scores("X")), counted(dead));
  const flagged = [...audited.heads.values()].filter(({ flags }) => (flags & isDead) !== 0);
  audited.same(
    "dead flags",
    flagged.map(({ unique }) => unique),
    failed.map(({ unique }) => unique),
  );
}

/** Each chunk counts the tasks that are left of it, and names each in its slot. */
async function auditChunks(audited: Audit): Promise<void> {
  const { keys } = audited;
  const left = new Map<string, number>();
  for (const { chunk } of audited.heads.values()) left.set(String(chunk), (left.get(String(chunk)) ?? 0) + 1);
  audited.same("tasks left of chunks", counted(Object.entries(await keys.hash("c"))), counted(left));
  audited.same("chunks by creation", (await keys.scores("n")).keys(), left.keys());
  audited.same("chunks", keys.names("S"), left.keys());
  for (const kind of ["M", "U"])
    audited.same(
      `${kind} of no chunk`,
      keys.names(kind).filter((chunk) => !left.has(chunk)),
      [],
    );
  const named: string[] = [];
  for (const number of left.keys()) {
    const chunk = await keys.chunk(number);
    const heads = [...audited.heads.values()].filter((head) => String(head.chunk) === number);
    for (const { unique, slot, lane } of heads) {
      audited.same(`slot ${slot} of ${number}`, [chunk?.index.uniqueOf(slot) ?? ""], [unique]);
      if (lane !== undefined && chunk?.index.isNamed) named.push(`${unique}=${number}.${slot}`);
    }
  }
  audited.same("names of tasks in rows", await keys.namedRows(), named);
}

async function auditWorkers(audited: Audit): Promise<void> {
  const { keys } = audited;
  const used = new Map<string, number>();
  for (const { worker } of audited.heads.values())
    if (worker > 0) used.set(String(worker), (used.get(String(worker)) ?? 0) + 1);
  audited.same("tasks of workers", counted(Object.entries(await keys.hash("V"))), counted(used));
  const names = Object.entries(await keys.hash("W"));
  audited.same(
    "workers' numbers",
    names.map(([number]) => number),
    used.keys(),
  );
  const numbers = Object.entries(await keys.hash("w")).map(([name, number]) => `${number}=${name}`);
  audited.same("workers' names", numbers, counted(names));
}

function counted(entries: Iterable<readonly [string, string | number]>): string[] {
  return Array.from(entries, ([name, count]) => `${name}=${count}`);
}
