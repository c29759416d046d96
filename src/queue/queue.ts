/**
 * The queue that services and workers call: a store behind group commit, with what waits on it: the dispatcher (workers
 * that wait for tasks), the log watchers and the sweeper.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import { Dispatcher } from "./dispatcher.ts";
import { GroupCommit } from "./group-commit.ts";
import { LogWatch, type WatchEvent } from "./log-watch.ts";
import type { QueueObserver } from "./observer.ts";
import { PresenceLoop } from "./presence.ts";
import { RateSampler } from "./rate-sampler.ts";
import type {
  Cancel,
  CancelOutcome,
  FencedOutcome,
  FencedTask,
  Finish,
  FinishOutcome,
  LeaseAsk,
  LeasedTask,
  LeaseGrant,
  ListPage,
  ListQuery,
  LogAppend,
  NewTask,
  QueueChange,
  QueueLoad,
  QueueStats,
  QueueStore,
  Renewal,
  Retry,
  RetryOutcome,
  StoreDescription,
  StoreSignal,
  SubmitOutcome,
  TaskRecord,
} from "./store.ts";
import { Sweeper } from "./sweeper.ts";

export interface QueueOptions {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: QueueObserver;
}

const revokedKept = 10_000;

/** A leased task's term. */
function termOf({ id, fence }: LeasedTask): FencedTask {
  return { taskId: id, fence };
}

/** Whether it is QUEUED as soon as it is taken in. */
function isReady({ parents, runAtMs, delayMs }: NewTask): boolean {
  return parents.length === 0 && runAtMs === undefined && delayMs === undefined;
}

export class Queue {
  readonly dispatcher: Dispatcher;
  /** How fast tasks come in and end, queue by queue. */
  readonly rates: RateSampler;
  readonly #store: QueueStore;
  readonly #observer: QueueObserver;
  readonly #clock: Clock;
  readonly #watch: LogWatch;
  readonly #sweeper: Sweeper;
  readonly #presence: PresenceLoop;
  readonly #readyListeners = new Set<(queue: string) => void>();
  readonly #revocationListeners = new Set<(revoked: readonly FencedTask[]) => void>();
  /** The leases that were revoked last, by task: one that is still on its way to its worker is told by them. */
  readonly #revokedLately = new Map<string, number>();
  readonly #unsubscribe: () => void;

  readonly #submit: GroupCommit<NewTask, SubmitOutcome>;
  readonly #lease: GroupCommit<LeaseAsk, LeaseGrant>;
  readonly #renew: GroupCommit<Renewal, FencedOutcome>;
  readonly #append: GroupCommit<LogAppend, FencedOutcome>;
  readonly #finish: GroupCommit<Finish, FinishOutcome>;
  readonly #cancel: GroupCommit<Cancel, CancelOutcome>;
  readonly #retry: GroupCommit<Retry, RetryOutcome>;
  readonly #remove: GroupCommit<string, boolean>;
  readonly #get: GroupCommit<string, TaskRecord | undefined>;

  constructor(options: QueueOptions) {
    const { store, clock, log, observer } = options;
    this.#store = store;
    this.#observer = observer;
    this.#clock = clock;
    const grouped = <Item, Outcome>(
      method: string,
      call: (items: readonly Item[]) => Promise<readonly Outcome[]>,
    ): GroupCommit<Item, Outcome> =>
      new GroupCommit(async (items) => {
        const began = clock.now();
        try {
          return await call(items);
        } finally {
          observer.storeCalled(method, items.length, (clock.now() - began) / 1_000);
        }
      });
    this.#submit = grouped("submit", (items) => store.submit(items));
    this.#lease = grouped("lease", (items) => store.lease(items));
    this.#renew = grouped("renew", (items) => store.renew(items));
    this.#append = grouped("append", (items) => store.append(items));
    this.#finish = grouped("finish", (items) => store.finish(items));
    this.#cancel = grouped("cancel", (items) => store.cancel(items));
    this.#retry = grouped("retry", (items) => store.retry(items));
    this.#remove = grouped("remove", (ids) => store.remove(ids));
    this.#get = grouped("get", (items) => store.get(items));
    this.dispatcher = new Dispatcher({
      lease: (asks) => this.#lease.addAll(asks),
      giveBack: (tasks) => this.giveBack(tasks.map(termOf), "its worker went before it was handed over"),
      leased: (tasks) => observer.leased(tasks, clock.now()),
      attached: () => this.#presence.soon(),
      log,
    });
    this.#presence = new PresenceLoop({
      present: () => this.dispatcher.present(),
      announce: (workers, presentMs) => store.announce(workers, presentMs),
    });
    this.rates = new RateSampler({ stats: () => store.stats(), clock });
    this.#watch = new LogWatch(store, (id) => this.get(id));
    this.#sweeper = new Sweeper({
      store,
      clock,
      log,
      swept: (report) => {
        observer.swept(report);
        this.dispatcher.wakeAll();
        this.rates.sampleWhenDue();
      },
    });
    this.#unsubscribe = store.subscribe((signal) => this.#onSignal(signal));
  }

  /** Begins to sweep; without it nothing expires, falls due or is retried. */
  start(): void {
    this.#sweeper.start();
    this.#presence.start();
  }

  /** Outcomes in the tasks' order. */
  async submit(tasks: readonly NewTask[]): Promise<SubmitOutcome[]> {
    const stored = this.#submit.addAll(tasks);
    for (const queue of new Set(tasks.filter(isReady).map((task) => task.queue)))
      this.dispatcher.foresee(queue);
    const outcomes = await stored;
    const created = new Map<string, number>();
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status !== "created") continue;
      const { queue } = tasks[index] as NewTask;
      created.set(queue, (created.get(queue) ?? 0) + 1);
      if (outcome.state === "SCHEDULED") this.#sweeper.hint();
    }
    for (const [queue, count] of created) this.#observer.submitted(queue, count);
    return outcomes;
  }

  /** What is there right now; {@link Queue.dispatcher} serves those who wait. */
  async lease(ask: LeaseAsk): Promise<readonly LeasedTask[]> {
    const { tasks } = await this.#lease.add(ask);
    this.#observer.leased(tasks, this.#clock.now());
    return tasks;
  }

  renew(renewals: readonly Renewal[]): Promise<FencedOutcome[]> {
    return this.#renew.addAll(renewals);
  }

  append(appends: readonly LogAppend[]): Promise<FencedOutcome[]> {
    return this.#append.addAll(appends);
  }

  async finish(finishes: readonly Finish[]): Promise<FinishOutcome[]> {
    const outcomes = await this.#finish.addAll(finishes);
    for (const [index, outcome] of outcomes.entries()) {
      if (!outcome.accepted || outcome.repeated || outcome.state === "MISSING") continue;
      this.#observer.finished((finishes[index] as Finish).taskId, outcome.state);
      if (outcome.state === "SCHEDULED") this.#sweeper.hint();
    }
    return outcomes;
  }

  cancel(cancel: Cancel): Promise<CancelOutcome> {
    return this.#cancel.add(cancel);
  }

  retry(retry: Retry): Promise<RetryOutcome> {
    return this.#retry.add(retry);
  }

  retryAll(retries: readonly Retry[]): Promise<RetryOutcome[]> {
    return this.#retry.addAll(retries);
  }

  cancelAll(cancels: readonly Cancel[]): Promise<CancelOutcome[]> {
    return this.#cancel.addAll(cancels);
  }

  /** Deletes final tasks; false for those that are not, or are not there. */
  remove(ids: readonly string[]): Promise<boolean[]> {
    return this.#remove.addAll(ids);
  }

  async configure(changes: readonly QueueChange[]): Promise<void> {
    await this.#store.configure(changes);
    for (const { queue } of changes) this.dispatcher.wake(queue);
  }

  load(queue: string, concurrencyKey: string): Promise<QueueLoad> {
    return this.#store.load(queue, concurrencyKey);
  }

  get(id: string): Promise<TaskRecord | undefined> {
    return this.#get.add(id);
  }

  getAll(ids: readonly string[]): Promise<(TaskRecord | undefined)[]> {
    return this.#get.addAll(ids);
  }

  list(query: ListQuery): Promise<ListPage> {
    return this.#store.list(query);
  }

  stats(queues?: readonly string[]): Promise<readonly QueueStats[]> {
    return this.#store.stats(queues);
  }

  describe(): Promise<StoreDescription> {
    return this.#store.describe();
  }

  ping(): Promise<void> {
    return this.#store.ping();
  }

  /** Replays a task's log from a sequence on, then follows it to the task's end. */
  watch(taskId: string, from: number, signal: AbortSignal): AsyncIterable<WatchEvent> {
    return this.#watch.follow(taskId, from, signal);
  }

  /** Told of leases that ended by another's hand, on any server of the mesh. */
  onRevoked(listener: (revoked: readonly FencedTask[]) => void): () => void {
    this.#revocationListeners.add(listener);
    return () => this.#revocationListeners.delete(listener);
  }

  /** Told of queues that may have work now, on any server of the mesh. */
  onReady(listener: (queue: string) => void): () => void {
    this.#readyListeners.add(listener);
    return () => this.#readyListeners.delete(listener);
  }

  /** Whether a lease has ended already by another's hand; asked right after it was made. */
  wasRevoked({ taskId, fence }: FencedTask): boolean {
    return this.#revokedLately.get(taskId) === fence;
  }

  /** Leases that could not be handed over are queued again, and their attempts do not count. */
  async giveBack(terms: readonly FencedTask[], reason: string): Promise<void> {
    const result = { kind: "released", reason } as const;
    await this.#finish.addAll(terms.map(({ taskId, fence }) => ({ taskId, fence, result })));
  }

  async close(): Promise<void> {
    this.dispatcher.close();
    await this.#presence.stop();
    await this.#sweeper.stop();
    await this.rates.idle();
    this.#unsubscribe();
    this.#watch.close();
    await this.#store.close();
  }

  #onSignal(signal: StoreSignal): void {
    for (const { taskId, fence } of signal.revoked) {
      this.#revokedLately.set(taskId, fence);
      if (this.#revokedLately.size > revokedKept)
        this.#revokedLately.delete(this.#revokedLately.keys().next().value as string);
    }
    if (signal.revoked.length > 0) for (const listener of this.#revocationListeners) listener(signal.revoked);
    // After the revocations, so that a worker which let its lease run out is not given it again.
    if (signal.ready) {
      this.dispatcher.wake(signal.queue);
      for (const listener of this.#readyListeners) listener(signal.queue);
    }
    this.#watch.signaled(signal);
  }
}
