/**
 * The store in Redis (7.0 or newer), shared by any number of servers. Every change of tasks is one script call for each queue
 * that a batch touches; keys.ts says what is stored where, and lua/ holds the scripts.
 */
import type {
  Cancel,
  CancelOutcome,
  FencedOutcome,
  Finish,
  FinishOutcome,
  LeaseAsk,
  LeaseGrant,
  ListPage,
  ListQuery,
  LogAppend,
  LogPage,
  LogQuery,
  NewTask,
  Presence,
  QueueChange,
  QueueLoad,
  QueueStats,
  QueueStore,
  Renewal,
  Retry,
  RetryOutcome,
  StoreDescription,
  StoreLimits,
  StoreSignal,
  SubmitOutcome,
  SweepReport,
  TaskRecord,
} from "../store.ts";
import type { TaskState } from "../task.ts";
import { Calls } from "./calls.ts";
import { cancel, retry } from "./change.ts";
import { describe } from "./describe.ts";
import { Effects } from "./effects.ts";
import { finish } from "./finish.ts";
import { Keys } from "./keys.ts";
import { checkLayout } from "./layout.ts";
import { append, lease, renew } from "./lease.ts";
import { list } from "./list.ts";
import { openConnection } from "./open.ts";
import { get, queueNames, readLog, readTerms, remove, stats } from "./read.ts";
import type { ReplicasOptions } from "./replicas.ts";
import { loadScripts } from "./scripts.ts";
import { announce, configure, load } from "./settings.ts";
import { Signals } from "./signals.ts";
import { submit } from "./submit.ts";
import { sweep } from "./sweep.ts";

export interface RedisStoreOptions {
  /** As src/core/config/redis-url.ts says: one server, one that Sentinels name, or a cluster. */
  readonly url: string;
  readonly limits: StoreLimits;
  /** Every key begins with it; stores with different prefixes know nothing of each other. Default: "am". */
  readonly prefix?: string;
  /** False leaves every effect between tasks to the sweep, as a crash right after each call would. Default: true. */
  readonly deliversAtOnce?: boolean;
  /** Replicas that must have a write before it is acknowledged. Default: none. */
  readonly replicas?: ReplicasOptions;
}

/** Connects; rejects as {@link openConnection} does. */
export async function openRedisStore(options: RedisStoreOptions): Promise<QueueStore> {
  const { connection, isCluster } = await openConnection(options);
  const keys = new Keys(options.prefix ?? "am");
  const calls = new Calls({
    connection,
    keys,
    scripts: loadScripts(),
    limits: options.limits,
    tell: (signal) => signals.tell(signal),
    hears: () => signals.hears,
  });
  const signals: Signals = new Signals({
    link: connection.listener(),
    channel: keys.signals,
    isCluster,
    queueNames: () => queueNames(calls),
  });
  try {
    await checkLayout(calls);
    await signals.open();
    // Has the functions loaded before they are needed.
    await readTerms(calls, ["agentmesh.0"]);
  } catch (error) {
    signals.close();
    connection.close();
    throw error;
  }
  return new RedisStore(calls, signals, options.deliversAtOnce ?? true);
}

/** Outcomes, and the outbox entries that the change left. */
interface Change<Outcome> {
  readonly outcomes: Outcome[];
  readonly effects: readonly string[];
}

function idOf(outcome: SubmitOutcome | undefined): string {
  return outcome !== undefined && "id" in outcome ? outcome.id : "";
}

class RedisStore implements QueueStore {
  readonly #calls: Calls;
  readonly #signals: Signals;
  readonly #effects: Effects;
  readonly #deliversAtOnce: boolean;
  /** Queues that are in the set of names for certain. */
  readonly #named = new Set<string>();

  constructor(calls: Calls, signals: Signals, deliversAtOnce: boolean) {
    this.#calls = calls;
    this.#signals = signals;
    this.#effects = new Effects(calls);
    this.#deliversAtOnce = deliversAtOnce;
    // A server that comes back may have lost what it had.
    calls.connection.onLost(() => this.#named.clear());
  }

  describe(): Promise<StoreDescription> {
    return describe(this.#calls.connection);
  }

  async ping(): Promise<void> {
    await this.#calls.connection.call("PING");
  }

  async submit(tasks: readonly NewTask[]): Promise<readonly SubmitOutcome[]> {
    await this.#name(tasks);
    const submitted = await submit(this.#calls, tasks);
    return this.#delivered(submitted, (index) => idOf(submitted.outcomes[index]));
  }

  lease(asks: readonly LeaseAsk[]): Promise<readonly LeaseGrant[]> {
    return lease(this.#calls, asks);
  }

  renew(renewals: readonly Renewal[]): Promise<readonly FencedOutcome[]> {
    return renew(this.#calls, renewals);
  }

  append(appends: readonly LogAppend[]): Promise<readonly FencedOutcome[]> {
    return append(this.#calls, appends);
  }

  async finish(finishes: readonly Finish[]): Promise<readonly FinishOutcome[]> {
    return this.#delivered(await finish(this.#calls, finishes), (index) => finishes[index]?.taskId as string);
  }

  async cancel(cancels: readonly Cancel[]): Promise<readonly CancelOutcome[]> {
    return this.#delivered(await cancel(this.#calls, cancels), (index) => cancels[index]?.taskId as string);
  }

  async retry(retries: readonly Retry[]): Promise<readonly RetryOutcome[]> {
    return this.#delivered(await retry(this.#calls, retries), (index) => retries[index]?.taskId as string);
  }

  remove(ids: readonly string[]): Promise<readonly boolean[]> {
    return remove(this.#calls, ids);
  }

  async configure(changes: readonly QueueChange[]): Promise<void> {
    await this.#name(changes);
    await configure(this.#calls, changes);
  }

  announce(workers: readonly Presence[], presentMs: number): Promise<void> {
    return announce(this.#calls, workers, presentMs);
  }

  load(queue: string, concurrencyKey: string): Promise<QueueLoad> {
    return load(this.#calls, queue, concurrencyKey);
  }

  get(ids: readonly string[]): Promise<readonly (TaskRecord | undefined)[]> {
    return get(this.#calls, ids);
  }

  list(query: ListQuery): Promise<ListPage> {
    return list(this.#calls, query);
  }

  readLog(query: LogQuery): Promise<LogPage | undefined> {
    return readLog(this.#calls, query);
  }

  stats(queues?: readonly string[]): Promise<readonly QueueStats[]> {
    return stats(this.#calls, queues);
  }

  sweep(): Promise<SweepReport> {
    return sweep(this.#calls, this.#effects);
  }

  subscribe(listener: (signal: StoreSignal) => void): () => void {
    return this.#signals.subscribe(listener);
  }

  async close(): Promise<void> {
    this.#signals.close();
    this.#calls.connection.close();
  }

  /** Adds queues to the set of names before they hold a task, so that no sweep misses one. */
  async #name(tasks: readonly { readonly queue: string }[]): Promise<void> {
    if (tasks.every((task) => this.#named.has(task.queue))) return;
    const fresh = new Set(tasks.map((task) => task.queue).filter((queue) => !this.#named.has(queue)));
    await this.#calls.connection.call("SADD", this.#calls.keys.queues, ...fresh);
    for (const queue of fresh) this.#named.add(queue);
  }

  /** Delivers a change's effects; a task that they moved on at once is answered with the state that it has then. */
  async #delivered<Outcome extends object>(
    { outcomes, effects }: Change<Outcome>,
    idOf: (index: number) => string,
  ): Promise<Outcome[]> {
    if (effects.length === 0 || !this.#deliversAtOnce) return outcomes;
    let states: ReadonlyMap<string, TaskState>;
    try {
      states = await this.#effects.deliver(effects);
    } catch {
      // The change stands; the sweep delivers what is left in the outbox.
      return outcomes;
    }
    return outcomes.map((outcome, index) => {
      const state = states.get(idOf(index));
      const isBlocked = "state" in outcome && outcome.state === "BLOCKED";
      return state !== undefined && isBlocked ? { ...outcome, state } : outcome;
    });
  }
}
