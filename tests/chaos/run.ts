/**
 * One run: a mesh of processes over a Redis that syncs every write, faults while tasks are submitted and worked on, then peace
 * until the queues are empty, and the checker's verdict.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openRedisStore } from "../../src/queue/redis/store.ts";
import type { QueueStore } from "../../src/queue/store.ts";
import { isFinal, type TaskState } from "../../src/queue/task.ts";
import { RedisServer } from "../support/redis.ts";
import { check, type Expected, type Run, type Verdict } from "./check.ts";
import { Evidence } from "./evidence.ts";
import { factsOf } from "./facts.ts";
import { Faults } from "./faults.ts";
import { readFinal } from "./final.ts";
import { readHistory } from "./history.ts";
import { clockLibrary, type Member } from "./member.ts";
import { layMesh, type MeshSize, submittersOf } from "./mesh.ts";
import { planOf } from "./plan.ts";
import { endsAsPlanned, plannedBatch, roleNames } from "./workload.ts";

export interface ChaosOptions extends MeshSize {
  readonly seed: number;
  /** How long faults are made. */
  readonly ms: number;
  /** Between two faults, on average. */
  readonly everyMs: number;
  readonly outageMsMax: number;
  /** How long the mesh may take, once it is left in peace, to take in and to end what is left. */
  readonly drainMs: number;
  readonly log: (line: string) => void;
}

export interface ChaosReport {
  readonly seed: number;
  readonly verdicts: readonly Verdict[];
  /** Processes that ended by themselves, and submitters that did not end. */
  readonly surprises: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
  readonly facts: Readonly<Record<string, number>>;
  /** Why a kind of fault was not made. */
  readonly skipped: readonly string[];
  /** Where the histories and logs are; gone where all is well. */
  readonly directory: string;
}

const storeLimits = {
  queueTasksMax: 10_000_000,
  logEntriesMax: 10_000,
  retentionMs: 24 * 3_600_000,
  retentionTasksMax: 10_000_000,
};
const queues = Object.values(roleNames);

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const directory = mkdtempSync(join(tmpdir(), "agentmesh-chaos-"));
  const histories = join(directory, "histories");
  mkdirSync(histories);
  const cleanups: (() => unknown)[] = [];
  try {
    const redis = await RedisServer.start({ appendfsync: "always", patienceMs: 120_000 });
    cleanups.push(() => redis.stop());
    const { members, proxies } = await layMesh(options, { directory, histories, redis, cleanups });
    const store = await openRedisStore({ url: redis.url, limits: storeLimits });
    cleanups.push(() => store.close());
    const began = performance.now();
    for (const member of members) member.start();
    const faults = new Faults({ members, proxies, redis });
    await strike(options, faults);
    const calmed = performance.now();
    options.log(
      `faults end after ${Math.round((calmed - began) / 1_000)} s; waiting for the queues to drain`,
    );
    const surprises = await drained(options, members, store);
    const drainedAt = performance.now();
    for (const member of members) await member.end();
    surprises.push(...members.flatMap((member) => member.surprises));
    const run = await evidenceOf(options, histories, store);
    const verdicts = check(run);
    const facts = {
      "seconds with faults": Math.round((calmed - began) / 1_000),
      "seconds to drain": Math.round((drainedAt - calmed) / 1_000),
      ...factsOf(run),
    };
    const isSound = surprises.length === 0 && verdicts.every(({ count }) => count === 0);
    if (isSound) cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
    const skipped = clockLibrary
      ? []
      : ["clocks were not moved: libfaketime is missing (apt-get install faketime)"];
    return { seed: options.seed, verdicts, surprises, faults: faults.made, facts, skipped, directory };
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/** Makes every fault at its time; resolves when all are healed and their time is over. */
async function strike(options: ChaosOptions, faults: Faults): Promise<void> {
  const plan = planOf({ ...options, clocks: clockLibrary !== undefined });
  const began = performance.now();
  const healing: Promise<void>[] = [];
  for (const planned of plan) {
    await pause(Math.max(0, began + planned.atMs - performance.now()));
    options.log(`${(planned.atMs / 1_000).toFixed(1)} s: ${JSON.stringify(planned.fault)}`);
    healing.push(faults.make(planned));
  }
  await pause(Math.max(0, began + options.ms - performance.now()));
  await Promise.all(healing);
}

/** Waits until all is submitted and ended; answers who did not come to an end. */
async function drained(
  { drainMs, log }: ChaosOptions,
  members: readonly Member[],
  store: QueueStore,
): Promise<string[]> {
  const end = performance.now() + drainMs;
  let toldMs = performance.now();
  for (;;) {
    const submitting = members.filter(({ kind, isDone }) => kind === "submitter" && !isDone);
    const left = submitting.length > 0 ? undefined : await unfinished(store);
    if (left === 0) return [];
    if (performance.now() > end) return submitting.map(({ name }) => `${name} did not come to its end`);
    if (performance.now() - toldMs > 10_000) {
      log(`${submitting.length} submitters and ${left ?? "many"} tasks are left`);
      toldMs = performance.now();
    }
    await pause(100);
  }
}

async function unfinished(store: QueueStore): Promise<number> {
  const stats = await store.stats(queues);
  const open = stats.flatMap(({ counts }) =>
    Object.entries(counts).flatMap(([state, count]) => (isFinal(state as TaskState) ? [] : [count])),
  );
  return open.reduce((sum, count) => sum + count, 0);
}

async function evidenceOf(options: ChaosOptions, histories: string, store: QueueStore): Promise<Run> {
  const evidence = new Evidence();
  const files = readdirSync(histories).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  for (const file of files) evidence.add(await readHistory(join(histories, file)));
  const expected = new Map<string, Expected>();
  for (const { name, tasks } of submittersOf(options))
    for (let from = 0; from < tasks; from += options.batch)
      for (const { key, taskId, kind } of plannedBatch(name, from, Math.min(options.batch, tasks - from)))
        expected.set(key, { taskId, kind });
  return { evidence, expected, endsAsPlanned, ...(await readFinal(store, queues)) };
}
