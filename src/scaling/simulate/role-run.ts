/**
 * One role through virtual time: tasks come, wait, run and end; the real decision, KEDA's rules and the HPA's arithmetic say how many
 * replicas there are to be; replicas take their time to start, and end what they run before they go.
 */
import { RateMeters } from "../../queue/rates.ts";
import type { QueueStats } from "../../queue/store.ts";
import { decide, type ScaleSettings } from "../decide.ts";
import { hpaSyncMs } from "../hpa.ts";
import type { ScaledObjectSpec, Seen } from "../keda.ts";
import { type RoleLoad, serviceMsOf } from "../load.ts";
import { polled, type ScalerState, scalerStateFirst, synced } from "../scaler.ts";
import type { Arrivals } from "./arrivals.ts";
import { TimeHeap } from "./time-heap.ts";
import { TimeLine } from "./time-line.ts";
import { Waits } from "./waits.ts";

export interface RoleRunOptions {
  readonly role: string;
  readonly spec: ScaledObjectSpec;
  readonly settings: ScaleSettings;
  /** Tasks that one replica runs at once. */
  readonly slots: number;
  readonly arrivals: Arrivals;
  /** How long the next task runs. */
  readonly serviceMs: () => number;
  /** From a replica's start until it takes tasks. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Between two points of the series. */
  readonly sampleMs: number;
}

/** The role at one time. */
export interface SimulationPoint {
  readonly atMs: number;
  readonly backlog: number;
  readonly running: number;
  /** Replicas that are asked for. */
  readonly replicas: number;
  /** Of them, those that take tasks. */
  readonly ready: number;
}

export interface RoleResult {
  readonly role: string;
  readonly series: readonly SimulationPoint[];
  readonly waits: Waits;
  readonly arrived: number;
  readonly ended: number;
  /** Of the slots of replicas that were ready, those that ran a task, in percent. */
  readonly utilizationPercent: number;
  /** Of all replicas, those that start and those that end their tasks too. */
  readonly replicaHours: number;
  readonly replicasMost: number;
  readonly backlogMost: number;
  /** Changes of the number of replicas. */
  readonly changes: number;
  /** Arrivals, starts, ends and looks of controllers that were computed. */
  readonly events: number;
}

/** As of a server that samples its queues. */
const rateSampleMs = 5_000;
/** From the first task to the push that KEDA hears. */
const pushMs = 50;

export function runRole(options: RoleRunOptions): RoleResult {
  return new RoleRun(options).run();
}

class RoleRun {
  readonly #options: RoleRunOptions;
  readonly #waiting = new TimeLine();
  readonly #ends = new TimeHeap();
  /** When replicas that start will be ready. */
  readonly #starts = new TimeHeap();
  readonly #waits = new Waits();
  readonly #meters = new RateMeters();
  readonly #series: SimulationPoint[] = [];
  #scaler: ScalerState;
  #ready: number;
  #nowMs = 0;
  #arrived = 0;
  #ended = 0;
  #events = 0;
  #changes = 0;
  #replicasMost: number;
  #backlogMost = 0;
  #busyMs = 0;
  #slotMs = 0;
  #replicaMs = 0;

  constructor(options: RoleRunOptions) {
    this.#options = options;
    this.#scaler = scalerStateFirst(options.spec, 0);
    this.#ready = this.#scaler.replicas;
    this.#replicasMost = this.#scaler.replicas;
  }

  run(): RoleResult {
    const { arrivals, durationMs, spec, sampleMs } = this.#options;
    const ends = this.#ends;
    let arrival = arrivals.next();
    let poll = spec.pollingMs;
    let sync = hpaSyncMs;
    let rates = 0;
    let sample = 0;
    let push = Number.POSITIVE_INFINITY;
    for (;;) {
      const control = Math.min(poll, sync, rates, sample, push, this.#starts.first);
      const end = ends.first;
      const next = Math.min(arrival, end, control);
      if (next > durationMs) break;
      this.#events++;
      this.#pass(next);
      if (next === end) this.#end();
      else if (next === arrival) {
        this.#arrive();
        arrival = arrivals.next();
        if (spec.isPushed && this.#scaler.replicas === 0 && push > next + pushMs) push = next + pushMs;
      } else if (next === push) {
        push = Number.POSITIVE_INFINITY;
        this.#poll();
      } else if (next === poll) {
        poll += spec.pollingMs;
        this.#poll();
      } else if (next === sync) {
        sync += hpaSyncMs;
        this.#sync();
      } else if (next === rates) {
        rates += rateSampleMs;
        this.#meters.sample([this.#stats()], next);
      } else if (next === sample) {
        sample += sampleMs;
        this.#sample();
      } else this.#start();
    }
    this.#pass(durationMs);
    this.#sample();
    return this.#result();
  }

  /** Time goes on to `ms`. */
  #pass(ms: number): void {
    const span = ms - this.#nowMs;
    const { slots } = this.#options;
    const running = this.#ends.size;
    const capacity = this.#ready * slots;
    this.#busyMs += span * running;
    // Replicas that were taken away are there until their tasks have ended.
    this.#slotMs += span * (running > capacity ? running : capacity);
    const busy = Math.ceil(running / slots);
    const replicas = this.#scaler.replicas;
    this.#replicaMs += span * (busy > replicas ? busy : replicas);
    this.#nowMs = ms;
  }

  #arrive(): void {
    this.#arrived++;
    const { slots, serviceMs } = this.#options;
    if (this.#waiting.size === 0 && this.#ends.size < this.#ready * slots) {
      this.#waits.add(0);
      this.#ends.push(this.#nowMs + serviceMs());
      return;
    }
    this.#waiting.push(this.#nowMs);
    if (this.#waiting.size > this.#backlogMost) this.#backlogMost = this.#waiting.size;
  }

  #end(): void {
    this.#ended++;
    const { slots, serviceMs } = this.#options;
    if (this.#waiting.size === 0 || this.#ends.size > this.#ready * slots) {
      this.#ends.pop();
      return;
    }
    this.#events++;
    this.#waits.add(this.#nowMs - this.#waiting.shift());
    this.#ends.replace(this.#nowMs + serviceMs());
  }

  /** Slots that have come free take what waits. */
  #fill(): void {
    const { slots, serviceMs } = this.#options;
    while (this.#waiting.size > 0 && this.#ends.size < this.#ready * slots) {
      this.#events++;
      this.#waits.add(this.#nowMs - this.#waiting.shift());
      this.#ends.push(this.#nowMs + serviceMs());
    }
  }

  #start(): void {
    this.#starts.pop();
    this.#ready++;
    this.#fill();
  }

  #poll(): void {
    this.#scale(polled(this.#options.spec, this.#scaler, this.#nowMs, this.#seen()));
  }

  #sync(): void {
    this.#scale(synced(this.#options.spec, this.#scaler, this.#nowMs, this.#seen()));
  }

  #seen(): Seen {
    return decide(this.#load(), this.#options.settings);
  }

  #scale(next: ScalerState): void {
    const before = this.#scaler.replicas;
    this.#scaler = next;
    const { replicas } = next;
    if (replicas === before) return;
    this.#changes++;
    if (replicas > this.#replicasMost) this.#replicasMost = replicas;
    for (let added = before; added < replicas; added++)
      this.#starts.push(this.#nowMs + this.#options.startMs);
    // Those that are not ready yet go first.
    for (let removed = replicas; removed < before; removed++)
      if (this.#starts.size > 0) this.#starts.pop();
      else this.#ready--;
  }

  #load(): RoleLoad {
    const rates = this.#meters.ratesOf(this.#stats(), this.#nowMs);
    return {
      queued: this.#waiting.size,
      scheduledSoon: 0,
      running: this.#ends.size,
      oldestWaitMs: this.#waiting.size === 0 ? 0 : this.#nowMs - this.#waiting.first,
      arrivalPerSecond: rates.arrival,
      servicePerSecond: rates.service,
      serviceMs: serviceMsOf(rates.runningMean, rates.service),
    };
  }

  /** What meters read of a store's. */
  #stats(): QueueStats {
    const { role } = this.#options;
    const counts = { RUNNING: this.#ends.size };
    return { queue: role, arrived: this.#arrived, ended: this.#ended, counts } as unknown as QueueStats;
  }

  #sample(): void {
    this.#series.push({
      atMs: this.#nowMs,
      backlog: this.#waiting.size,
      running: this.#ends.size,
      replicas: this.#scaler.replicas,
      ready: this.#ready,
    });
  }

  #result(): RoleResult {
    return {
      role: this.#options.role,
      series: this.#series,
      waits: this.#waits,
      arrived: this.#arrived,
      ended: this.#ended,
      utilizationPercent: this.#slotMs === 0 ? 0 : (100 * this.#busyMs) / this.#slotMs,
      replicaHours: this.#replicaMs / 3_600_000,
      replicasMost: this.#replicasMost,
      backlogMost: this.#backlogMost,
      changes: this.#changes,
      events: this.#events,
    };
  }
}
