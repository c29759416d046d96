/** The lanes of one queue of the model: the rules of lane.ts and policy.ts, read plainly and without an index. */
import { hasLabels, laneName, laneOf, nextLane, strideOf } from "../../src/queue/lane.ts";
import { noPolicy, type QueuePolicy, type Rate } from "../../src/queue/policy.ts";
import type { LeaseAsk, NewTask } from "../../src/queue/store.ts";

interface Lane {
  readonly name: string;
  readonly priority: number;
  readonly tenant: string;
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  pass: number;
  parked: boolean;
  waiting: number;
}

/** The rates of random histories give no token back while they last: what was taken is gone. */
export class ModelLanes {
  policy: QueuePolicy = noPolicy;
  rolePolicy: QueuePolicy | undefined;
  paused = false;
  #turn = 0;
  readonly #passes = new Map<number, number>();
  readonly #lanes = new Map<string, Lane>();
  /** RUNNING tasks, and tokens taken, by key; those of the queue itself are under undefined. */
  readonly #running = new Map<string | undefined, number>();
  readonly #taken = new Map<string | undefined, number>();
  #shares = new Map<string, number>();

  /** A rate that is changed begins with full buckets. */
  change(policy: QueuePolicy): void {
    const before = this.policy;
    this.policy = policy;
    if (!sameRate(before.rate, policy.rate)) this.#taken.delete(undefined);
    if (!sameRate(before.ratePerKey, policy.ratePerKey))
      for (const key of this.#taken.keys()) if (key !== undefined) this.#taken.delete(key);
  }

  join(task: NewTask): void {
    const name = laneName(task);
    const lane = this.#lanes.get(name) ?? this.#open(name);
    this.#lanes.set(name, lane);
    lane.waiting += 1;
  }

  leave(task: NewTask): void {
    const lane = this.#lanes.get(laneName(task))!;
    lane.waiting -= 1;
    if (lane.waiting === 0) this.#lanes.delete(lane.name);
  }

  run(task: NewTask, by: 1 | -1): void {
    for (const key of keysOf(task)) add(this.#running, key, by);
  }

  /** Parks the lanes that something holds back, and frees the others. */
  review(): void {
    for (const lane of this.#lanes.values()) {
      const held = this.#holds(lane.key);
      if (lane.parked && !held) lane.pass = Math.max(lane.pass, this.#passes.get(lane.priority) ?? 0);
      lane.parked = held;
    }
  }

  beginCall(): void {
    this.#shares = new Map();
    for (const lane of this.#lanes.values()) if (!lane.parked) add(this.#shares, shareName(lane), 1);
  }

  /** The lane whose turn it is; undefined: nothing may be given. */
  next({ labels }: LeaseAsk): string | undefined {
    const { runningMax = Number.POSITIVE_INFINITY, rate } = this.policy;
    if (this.paused || count(this.#running, undefined) >= runningMax) return undefined;
    if (rate !== undefined && count(this.#taken, undefined) >= rate.burst) return undefined;
    const open = [...this.#lanes.values()].filter((lane) => !lane.parked && hasLabels(labels, lane.labels));
    return nextLane(open, this.#turn)?.name;
  }

  /** A task of the lane is handed out. */
  take(task: NewTask): void {
    const lane = this.#lanes.get(laneName(task))!;
    const stride = strideOf(
      this.policy.tenantWeights?.[lane.tenant] ?? 1,
      count(this.#shares, shareName(lane)),
    );
    this.#turn += 1;
    this.#passes.set(lane.priority, lane.pass);
    lane.pass += stride;
    if (this.policy.rate !== undefined) add(this.#taken, undefined, 1);
    if (this.policy.ratePerKey !== undefined && lane.key !== "") add(this.#taken, lane.key, 1);
  }

  #open(name: string): Lane {
    const { priority, tenant, concurrencyKey: key, workerLabels: labels } = laneOf(name);
    const pass = this.#passes.get(priority) ?? 0;
    return { name, priority, tenant, key, labels, pass, parked: this.#holds(key), waiting: 0 };
  }

  #holds(key: string): boolean {
    const { runningPerKeyMax = Number.POSITIVE_INFINITY, ratePerKey } = this.policy;
    if (key === "") return false;
    if (count(this.#running, key) >= runningPerKeyMax) return true;
    return ratePerKey !== undefined && count(this.#taken, key) >= ratePerKey.burst;
  }
}

function sameRate(one: Rate | undefined, other: Rate | undefined): boolean {
  return one?.perSecond === other?.perSecond && one?.burst === other?.burst;
}

/** What a running task counts for: the queue, and its key. */
function keysOf({ concurrencyKey }: NewTask): (string | undefined)[] {
  return concurrencyKey === "" ? [undefined] : [undefined, concurrencyKey];
}

function shareName({ priority, tenant }: Pick<Lane, "priority" | "tenant">): string {
  return `${priority} ${tenant}`;
}

function count<Key>(counts: ReadonlyMap<Key, number>, key: Key): number {
  return counts.get(key) ?? 0;
}

function add<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, count(counts, key) + by);
}
