/**
 * Brings tasks to the workers that wait for them. A worker attaches to a queue and grants credit; the dispatcher leases as
 * much as there is credit for, spread over the workers, and hands it over. It sleeps until it is woken: by a signal of the
 * store, by new credit, by the sweeper, or when a rate that held tasks back lets the next one start.
 */
import type { Logger } from "../core/log.ts";
import { FairShare } from "./fair-share.ts";
import type { LeaseAsk, LeasedTask, LeaseGrant, Presence } from "./store.ts";

export interface Attachment {
  readonly queue: string;
  readonly workerId: string;
  /** The worker's; sessions of one queue may differ. */
  readonly labels: Readonly<Record<string, string>>;
  readonly leaseMs: number;
  /** Gets what was leased; never more than the credit granted. */
  deliver(tasks: readonly LeasedTask[]): void;
}

export interface DispatcherOptions {
  readonly lease: (asks: readonly LeaseAsk[]) => Promise<readonly LeaseGrant[]>;
  /** Gives back what was leased for a worker that has gone since. */
  readonly giveBack: (tasks: readonly LeasedTask[]) => Promise<void>;
  readonly leased: (tasks: readonly LeasedTask[]) => void;
  /** A worker has come. */
  readonly attached: () => void;
  readonly log: Logger;
}

/** Leases asked for one worker in one round, so that a deep queue is spread over all of them; … */
const workerRoundMax = 32;
/** … and where there are few workers, what one call of the store does well: it costs less a task than several would. */
const roundMax = 100;
/**
 * Rounds for little credit are this far apart while at least as much again is worked on, so that what trickles in costs few
 * calls. Neither an idle worker waits for it, nor one that works on few tasks.
 */
const gatherMs = 1;
const littleCreditMax = 64;
const heldMin = 8;
const retryMs = 500;
/** The longest sleep until a rate lets a task start: the rate may be changed meanwhile. */
const againMsMax = 60_000;
/** Longer than a server takes to notice a dead connection. */
const pauseMsMax = 60_000;

/** What the workers of one queue wait for and work on, in all. */
interface Demand {
  credit: number;
  /** About: tasks that were handed over, and for which no credit has come yet. */
  held: number;
}

/** One attached worker. */
export class Session {
  readonly attachment: Attachment;
  readonly #wake: () => void;
  readonly #detach: () => void;
  readonly #own: Demand = { credit: 0, held: 0 };
  readonly #all: Demand;
  open = true;
  #pauseTimer: NodeJS.Timeout | undefined;

  constructor(attachment: Attachment, all: Demand, wake: () => void, detach: () => void) {
    this.attachment = attachment;
    this.#all = all;
    this.#wake = wake;
    this.#detach = detach;
  }

  get credit(): number {
    return this.#own.credit;
  }

  /** Allows `count` more tasks to be handed over. */
  grant(count: number): void {
    this.#count(count, -Math.min(count, this.#own.held));
    this.#wake();
  }

  /** Hands tasks over, within its credit. */
  deliver(tasks: readonly LeasedTask[]): void {
    this.#count(-tasks.length, tasks.length);
    this.attachment.deliver(tasks);
  }

  /** True where it has credit and is not paused. */
  get waits(): boolean {
    return this.credit > 0 && this.#pauseTimer === undefined;
  }

  /** Gets nothing until {@link resume}, or for a minute: for a worker whose lease ran out, which may be dead or frozen. */
  pause(): void {
    clearTimeout(this.#pauseTimer);
    this.#pauseTimer = setTimeout(() => this.resume(), pauseMsMax).unref();
  }

  resume(): void {
    if (this.#pauseTimer === undefined) return;
    clearTimeout(this.#pauseTimer);
    this.#pauseTimer = undefined;
    this.#wake();
  }

  /** Takes no more; a lease that is under way is given back. */
  close(): void {
    this.open = false;
    this.#count(-this.#own.credit, -this.#own.held);
    clearTimeout(this.#pauseTimer);
    this.#detach();
  }

  #count(credit: number, held: number): void {
    for (const demand of [this.#own, this.#all]) {
      demand.credit += credit;
      demand.held += held;
    }
  }
}

interface QueueSessions {
  readonly sessions: Set<Session>;
  readonly demand: Demand;
  leasing: boolean;
  wokenMeanwhile: boolean;
  /** When the last round ended, by performance.now(). */
  roundEndedMs: number;
  /** Wakes the queue when credit has been waited for long enough. */
  gathering: NodeJS.Timeout | undefined;
  /** Wakes the queue: after a failure, or when a rate lets a task start. */
  timer: NodeJS.Timeout | undefined;
  readonly share: FairShare;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #queues = new Map<string, QueueSessions>();
  #closed = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  attach(attachment: Attachment): Session {
    const entry = this.#entry(attachment.queue);
    const session: Session = new Session(
      attachment,
      entry.demand,
      () => this.wake(attachment.queue),
      () => entry.sessions.delete(session),
    );
    entry.sessions.add(session);
    this.#options.attached();
    return session;
  }

  /** The workers that are attached, whatever their queue. */
  present(): Presence[] {
    return [...this.#queues.values()].flatMap(({ sessions }) =>
      Array.from(sessions, ({ attachment: { queue, workerId, labels } }) => ({ queue, workerId, labels })),
    );
  }

  /** Workers attached to a queue. */
  attached(queue: string): number {
    return this.#queues.get(queue)?.sessions.size ?? 0;
  }

  wake(queue: string): void {
    const entry = this.#queues.get(queue);
    if (entry === undefined || this.#closed) return;
    entry.wokenMeanwhile = true;
    if (!entry.leasing) void this.#run(queue, entry);
  }

  /**
   * Tasks are on their way into the store: where workers wait and no round is under way, one follows them at once, so that they
   * begin after one round trip to the store and not two. Where the tasks do not come, the round finds nothing.
   */
  foresee(queue: string): void {
    const entry = this.#queues.get(queue);
    if (entry !== undefined && !entry.leasing && entry.demand.credit > 0) this.wake(queue);
  }

  wakeAll(): void {
    for (const queue of this.#queues.keys()) this.wake(queue);
  }

  close(): void {
    this.#closed = true;
    for (const { timer, gathering } of this.#queues.values()) {
      clearTimeout(timer);
      clearTimeout(gathering);
    }
  }

  #entry(queue: string): QueueSessions {
    let entry = this.#queues.get(queue);
    if (entry === undefined) {
      entry = {
        sessions: new Set(),
        demand: { credit: 0, held: 0 },
        leasing: false,
        wokenMeanwhile: false,
        roundEndedMs: Number.NEGATIVE_INFINITY,
        gathering: undefined,
        timer: undefined,
        share: new FairShare(),
      };
      this.#queues.set(queue, entry);
    }
    return entry;
  }

  async #run(queue: string, entry: QueueSessions): Promise<void> {
    entry.leasing = true;
    try {
      // Credit that is granted in one turn, by many tasks that end together, say, is spent in one round.
      await undefined;
      while (entry.wokenMeanwhile && !this.#closed && !this.#gathers(queue, entry)) {
        entry.wokenMeanwhile = false;
        if (await this.#round(queue, entry)) entry.wokenMeanwhile = true;
        entry.roundEndedMs = performance.now();
      }
    } catch (error) {
      this.#options.log.warn({ queue, error: String(error) }, "leasing failed; trying again");
      this.#wakeIn(retryMs, queue, entry);
    } finally {
      entry.leasing = false;
    }
  }

  /** Whether it is better to wait a moment for more credit; whatever wakes the queue meanwhile is asked again. */
  #gathers(queue: string, entry: QueueSessions): boolean {
    clearTimeout(entry.gathering);
    entry.gathering = undefined;
    if (performance.now() - entry.roundEndedMs >= gatherMs) return false;
    const { credit, held } = entry.demand;
    if (credit > littleCreditMax || credit > held || held < heldMin) return false;
    entry.gathering = setTimeout(() => this.wake(queue), gatherMs);
    return true;
  }

  #wakeIn(ms: number, queue: string, entry: QueueSessions): void {
    clearTimeout(entry.timer);
    if (!this.#closed) entry.timer = setTimeout(() => this.wake(queue), ms).unref();
  }

  /** One store call for all waiting workers; true when some worker got all it asked for, so that more may be there. */
  async #round(queue: string, entry: QueueSessions): Promise<boolean> {
    const waiting = [...entry.sessions].filter((session) => session.waits);
    if (waiting.length === 0) return false;
    const share = Math.min(Math.max(workerRoundMax, Math.floor(roundMax / waiting.length)), entry.share.next);
    const asks = waiting.map((session): LeaseAsk => {
      const { workerId, leaseMs, labels } = session.attachment;
      return { queue, workerId, leaseMs, labels, max: Math.min(session.credit, share) };
    });
    const grants = await this.#options.lease(asks);
    let [given, more] = [0, false];
    const orphans: LeasedTask[] = [];
    for (const [index, session] of waiting.entries()) {
      const tasks = grants[index]?.tasks ?? [];
      if (tasks.length === 0) continue;
      if (!session.open) {
        orphans.push(...tasks);
        continue;
      }
      given += tasks.length;
      this.#options.leased(tasks);
      session.deliver(tasks);
      more ||= tasks.length === asks[index]?.max;
      // Whoever was served goes to the back, so that the next round begins with another.
      entry.sessions.delete(session);
      entry.sessions.add(session);
    }
    entry.share.told({ asked: share, given, workers: waiting.length, more });
    const againInMs = Math.min(againMsMax, ...grants.flatMap((grant) => grant.againInMs ?? []));
    if (grants.some((grant) => grant.againInMs !== undefined))
      this.#wakeIn(Math.max(1, Math.ceil(againInMs)), queue, entry);
    // Last, so that a store which cannot take them keeps nobody else's from being handed over.
    if (orphans.length > 0) await this.#options.giveBack(orphans);
    return more;
  }
}
