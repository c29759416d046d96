import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { QueuePolicy } from "../../../src/queue/policy.ts";
import type { QueueStore, TaskRecord } from "../../../src/queue/store.ts";
import type { Timeouts } from "../../../src/queue/task.ts";
import { RedisServer } from "../../support/redis.ts";
import { bytes, failure, lease, newTask, parent } from "../../support/tasks.ts";
import { audit } from "./audit.ts";
import { drain, manyTasks, openAt } from "./kit.ts";

let server: RedisServer;
let client: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  client = server.client();
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

/** The same numbers in [0, 1) for the same seed. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

const queues = ["one", "two", "three"];
const keys = ["", "", "k1", "k2"];
const wishes: Readonly<Record<string, string>>[] = [{}, {}, { gpu: "1" }, { gpu: "1", zone: "x" }];
const timeouts: Timeouts[] = [{}, {}, { toStartMs: 3 }, { toFinishMs: 3, heartbeatMs: 60_000 }];
const policies: (QueuePolicy | null)[] = [
  null,
  { runningMax: 3, runningPerKeyMax: 1 },
  { runningPerKeyMax: 2, ratePerKey: { perSecond: 200, burst: 2 }, tenantWeights: { t1: 3 } },
  { rate: { perSecond: 1_000, burst: 3 } },
];

/** One random call on the store; `ids` collects what was made, `held` the leases. */
async function step(
  store: QueueStore,
  chance: () => number,
  ids: string[],
  held: TaskRecord[],
): Promise<void> {
  const pick = <T>(from: readonly T[]) => from[Math.floor(chance() * from.length)] as T;
  const queue = pick(queues);
  const some = () => Array.from({ length: 3 }, () => pick(ids) ?? "one.none");
  const known = ids.length > 0 && chance() < 0.4 ? [parent(pick(ids), pick(["SUCCEEDED", "FINISHED"]))] : [];
  const actions = [
    async () => {
      const parts = { parents: known, delayMs: pick([undefined, 0, 1, 60_000]) };
      const tasks = manyTasks(queue, 1 + Math.floor(chance() * 8), parts).map((task) => ({
        ...task,
        priority: pick([1, 5, 9]),
        tenant: pick(["default", "t1", "t2"]),
        concurrencyKey: pick(keys),
        workerLabels: pick(wishes),
        timeouts: pick(timeouts),
      }));
      for (const outcome of await store.submit(tasks)) if (outcome.status === "created") ids.push(outcome.id);
    },
    // Those that live in their rows.
    async () => {
      const makesIds = chance() < 0.7;
      const tasks = manyTasks(queue, 1 + Math.floor(chance() * 12)).map((task) => ({
        ...task,
        id: makesIds ? undefined : task.id,
        fingerprint: makesIds ? "" : pick(["", "f"]),
        tenant: pick(["default", "default", "t1"]),
        concurrencyKey: pick(keys),
        workerLabels: pick(wishes),
      }));
      for (const outcome of await store.submit(tasks)) if (outcome.status === "created") ids.push(outcome.id);
    },
    async () => {
      held.push(...(await lease(store, queue, { max: 5, labels: pick(wishes), leaseMs: pick([1, 60_000]) })));
    },
    async () => {
      const results = [
        { kind: "succeeded", output: bytes("ok") },
        { kind: "failed", failure: failure({ retryable: chance() < 0.7 }) },
        { kind: "released", reason: "" },
        { kind: "suspended", parents: known, resumeState: bytes("later") },
      ] as const;
      await store.finish(
        held.splice(0, 4).map(({ id, fence }) => ({ taskId: id, fence, result: pick(results) })),
      );
    },
    async () => {
      const entries = Array.from({ length: Math.floor(chance() * 12) }, () => ({
        bytes: bytes("x".repeat(40)),
      }));
      await store.append(held.slice(0, 3).map(({ id, fence }) => ({ taskId: id, fence, entries })));
    },
    async () => void (await store.cancel(some().map((taskId) => ({ taskId, reason: "" })))),
    async () => void (await store.retry(some().map((taskId) => ({ taskId })))),
    async () => void (await store.remove(some())),
    async () => {
      const pause = pick([null, null, "stop"]);
      await store.configure([{ queue, policy: pick(policies), pause }]);
    },
    async () => void (await store.sweep()),
  ];
  await pick(actions)();
}

for (const deliversAtOnce of [true, false])
  test(`random calls leave every task in its indexes alone, effects ${deliversAtOnce ? "at once" : "by sweep"}`, async () => {
    const prefix = `random-${deliversAtOnce}`;
    const own = { retentionTasksMax: 60, logEntriesMax: 30 };
    const store = await openAt(server.url, { prefix, deliversAtOnce, limits: own });
    const chance = chances(deliversAtOnce ? 7 : 8);
    const ids: string[] = [];
    const held: TaskRecord[] = [];
    for (let i = 0; i < 600; i++) {
      await step(store, chance, ids, held);
      if (i % 40 === 39) expect(await audit(client, prefix), `after step ${i}`).toEqual([]);
    }
    await store.close();
  });

test("nothing is left of tasks that ended and whose retention passed", async () => {
  const prefix = "leftovers";
  const store = await openAt(server.url, { prefix, limits: { retentionMs: 1 } });
  const first = manyTasks("a", 150);
  const second = first.map((task) => newTask("b", { parents: [parent(task.id)] }));
  const late = manyTasks("b", 20, { delayMs: 5, fingerprint: "f" });
  await store.submit([...first, ...second, ...late]);
  const [logged] = await lease(store, "a");
  const entries = Array.from({ length: 50 }, () => ({ bytes: bytes("y".repeat(50)) }));
  await store.append([{ taskId: logged!.id, fence: logged!.fence, entries, usage: { tokens: 1, usd: 1 } }]);
  await store.finish([
    { taskId: logged!.id, fence: logged!.fence, result: { kind: "released", reason: "" } },
  ]);
  let ended = 0;
  while (ended < first.length + second.length + late.length) {
    await store.sweep();
    ended += (await drain(store, "a")) + (await drain(store, "b"));
  }
  const wanted = [`${prefix}:queues`, `${prefix}:{a}:q`, `${prefix}:{b}:q`];
  await expect
    .poll(async () => {
      await store.sweep();
      return (await client.keys(`${prefix}:*`)).sort();
    })
    .toEqual(wanted);
  expect(await audit(client, prefix)).toEqual([]);
  await store.close();
});

test("runs on a node of a Redis Cluster: every script stays within one slot", async () => {
  const cluster = await RedisServer.start({ settings: { "cluster-enabled": "yes" } });
  const node = cluster.client();
  await node.call("CLUSTER", "ADDSLOTSRANGE", 0, 16_383);
  await expect.poll(() => node.call("CLUSTER", "INFO"), { timeout: 10_000 }).toContain("cluster_state:ok");
  const store = await openAt(cluster.url, { limits: { retentionTasksMax: 5, logEntriesMax: 3 } });
  const ids: string[] = [];
  const held: TaskRecord[] = [];
  const chance = chances(3);
  for (let i = 0; i < 150; i++) await step(store, chance, ids, held);
  const slots = new Map<string, Set<unknown>>();
  for (const key of (await node.keys("am:{*")) as string[]) {
    const tag = /\{(.+?)\}/.exec(key)?.[1] as string;
    slots.set(tag, (slots.get(tag) ?? new Set()).add(await node.call("CLUSTER", "KEYSLOT", key)));
  }
  expect([...slots.keys()].sort()).toEqual([...queues].sort());
  expect([...slots.values()].every((used) => used.size === 1)).toBe(true);
  expect(await audit(node, "am")).toEqual([]);
  node.disconnect();
  await store.close();
  await cluster.stop();
});
