/**
 * A worker: takes leases of one role over the Work stream, runs the role's handler on each, and reports. It outlives its
 * server: when the stream breaks it connects again, and what it holds goes on meanwhile.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type LogEntry, TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import type {
  Lease,
  LeaseResult,
  LeaseTerm,
  WorkRequest,
  WorkResponse,
} from "../../gen/grpc/agentmesh/v1/worker.ts";
import type { MeshClient } from "../client/mesh-client.ts";
import { MeshError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Logger } from "../core/log.ts";
import { msToDuration } from "../core/time.ts";
import type { Connection } from "../rpc/connection.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { bounded } from "./bounded-outcome.ts";
import type { FromHeartbeat, Heartbeat } from "./heartbeat.ts";
import { HeldLeases } from "./held-leases.ts";
import type { WorkerLoad } from "./instance-load.ts";
import { LogBacklog } from "./log-backlog.ts";
import { ReportStream } from "./report-stream.ts";
import type { Role } from "./role.ts";
import { RunningTask, type RunningTaskOptions } from "./running-task.ts";
import { UnansweredEnds } from "./unanswered-ends.ts";

export interface WorkerOptions {
  readonly role: Role;
  /** Unique among living workers. */
  readonly workerId: string;
  readonly version: string;
  /** What it has, for tasks that ask for it. */
  readonly labels: Readonly<Record<string, string>>;
  readonly connection: Connection;
  readonly mesh: MeshClient;
  readonly heartbeat: Heartbeat;
  readonly sandbox: () => Promise<Sandbox>;
  readonly log: Logger;
}

const reconnectMsMin = 100;
const reconnectMsMax = 2_000;
/** Before a report that the store could not take is sent again. */
const resendMs = 500;
/** How long a server may take to end a conversation that is over. */
const goodbyeMs = 2_000;
/** Refusals of a report that pass. */
const passing = new Set(["STORE_UNAVAILABLE", "STORE_FULL", "INTERNAL"]);

const staleReason = "its lease is stale";

export class Worker {
  readonly #options: WorkerOptions;
  readonly #leaseMs: number;
  readonly #held: HeldLeases;
  readonly #taskOptions: RunningTaskOptions;
  /** By term: a task that was lost and is leased again may run twice here, until the first hears of it. */
  readonly #running = new Map<string, RunningTask>();
  readonly #unanswered: UnansweredEnds;
  readonly #backlog = new LogBacklog();
  /** The server shuts down: the stream ends with the last task, so that another server is found. */
  #leaving = false;
  /** Resolves when no lease is under way to a worker that drains. */
  #drainConfirmed = Promise.withResolvers<void>();
  #stream: ReportStream | undefined;
  #payloadBytesMax: number = limits.payloadBytesMax;
  #draining = false;
  #drained: Promise<void> | undefined;
  /** Resolves when a later drain leaves no more time. */
  readonly #hurried = Promise.withResolvers<void>();
  #stopped = new AbortController();
  #conversation: Promise<void> | undefined;
  #idle: (() => void) | undefined;
  readonly #forgetNews: () => void;

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { role, workerId, heartbeat, mesh, sandbox } = options;
    this.#leaseMs = role.lease.seconds * 1_000;
    this.#held = new HeldLeases({ heartbeat, role: role.name, workerId, leaseMs: this.#leaseMs });
    this.#taskOptions = {
      role,
      mesh,
      sandbox,
      append: (term, entries) => this.#append(term, entries),
      stopped: (task) => this.#held.letGo(task.term),
    };
    this.#unanswered = new UnansweredEnds({
      send: (finish) => this.#stream?.push({ finish }),
      gaveUp: (task, error, replaced) => this.#gaveUp(task, error, replaced),
    });
    this.#forgetNews = heartbeat.onNews((news) => this.#hearHeartbeat(news));
  }

  start(): void {
    this.#conversation = this.#converse();
  }

  /** True while the stream that brings work is up. */
  get connected(): boolean {
    return this.#stream !== undefined;
  }

  get load(): WorkerLoad {
    return { tasksRunning: this.#running.size, slots: this.#options.role.concurrency };
  }

  /**
   * Takes no more; lets what runs end for at most `timeoutMs`, gives the rest back, and closes. Asked again, it is over with when the
   * shorter time is.
   */
  drain(timeoutMs: number): Promise<void> {
    if (this.#drained) setTimeout(() => this.#hurried.resolve(), timeoutMs).unref();
    this.#drained ??= this.#drain(timeoutMs);
    return this.#drained;
  }

  async #drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    this.#stream?.push({ drain: true });
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
      if (this.#running.size === 0) resolve();
    });
    await within(timeoutMs, Promise.race([idle, this.#hurried.promise]));
    for (const task of this.#running.values()) this.#giveBack(task);
    if (this.#stream) await within(goodbyeMs, this.#drainConfirmed.promise);
    this.#stopped.abort();
    this.#stream?.end();
    await within(goodbyeMs, this.#conversation);
    this.#stream?.cancel();
    await this.#conversation;
    this.#forgetNews();
  }

  async #converse(): Promise<void> {
    const { log, connection } = this.#options;
    let backoffMs = reconnectMsMin;
    while (!this.#stopped.signal.aborted) {
      const stream = new ReportStream(connection, this.#hello());
      try {
        for await (const response of stream.responses) {
          if (response.welcome) this.#welcomed(stream, response.welcome.payloadBytesMax);
          if (isProgress(response)) backoffMs = reconnectMsMin;
          this.#hear(response);
        }
      } catch (error) {
        if (!this.#stopped.signal.aborted)
          log.warn({ error: String(error) }, "the mesh cannot be reached; trying on");
        // Not before a welcome: a stream that was refused for its hello has carried nothing else.
        if (this.#stream) this.#unanswered.streamBroke(MeshError.from(error));
      }
      this.#stream = undefined;
      this.#drainConfirmed.resolve();
      stream.cancel();
      await pause(backoffMs, undefined, { signal: this.#stopped.signal }).catch(() => {});
      backoffMs = Math.min(reconnectMsMax, backoffMs * 2);
    }
  }

  #hello(): NonNullable<WorkRequest["hello"]> {
    const { role, workerId, version, labels } = this.#options;
    return {
      role: role.name,
      workerId,
      version,
      slots: role.concurrency,
      labels: { ...labels },
      lease: msToDuration(this.#leaseMs),
    };
  }

  #welcomed(stream: ReportStream, payloadBytesMax: number): void {
    this.#stream = stream;
    this.#leaving = false;
    this.#payloadBytesMax = payloadBytesMax;
    const renew = [...this.#running.values()].map((task) => task.term);
    const free = this.#options.role.concurrency - this.#running.size;
    stream.push({ renew, append: this.#backlog.take() });
    this.#unanswered.sendAll();
    if (!this.#draining && free > 0) stream.push({ credit: free });
  }

  #hear(response: WorkResponse): void {
    if (this.#draining) this.#handBack(response.leases);
    else if (response.leases.length > 0) this.#take(response.leases);
    for (const { term, reason } of response.revoked) this.#lose(term, reason, reason === "CANCELED");
    for (const { term, refusal, state } of response.renewed)
      if (refusal?.reason === "LEASE_LOST") this.#lose(term, staleReason, state === TaskState.CANCELED);
    // A sign of life: a worker whose lease ran out gets no other until it gives one.
    if (response.revoked.length > 0) this.#stream?.push({});
    for (const result of response.finished) this.#answered(result);
    for (const { term, refusal } of response.appendRefused)
      this.#options.log.debug({ task: term?.taskId, refusal: refusal?.message }, "log entries were refused");
    if (response.drain) this.#hearDrain();
  }

  /** Either the server shuts down, or it confirms that this worker gets no more: no lease comes after it. */
  #hearDrain(): void {
    this.#leaving = true;
    this.#drainConfirmed.resolve();
    if (!this.#draining && this.#running.size === 0) this.#stream?.end();
  }

  #take(leases: readonly Lease[]): void {
    const tasks = leases.map((lease) => new RunningTask(lease, this.#taskOptions));
    for (const task of tasks) this.#running.set(keyOf(task.term), task);
    this.#held.hold(tasks.map(({ term }) => term));
    for (const task of tasks) void this.#work(task);
  }

  async #work(task: RunningTask): Promise<void> {
    const outcome = bounded(await task.run(), this.#payloadBytesMax);
    if (task.stopped) return this.#release(task);
    this.#unanswered.add(task, outcome);
  }

  #answered({ term, accepted, refusal }: LeaseResult): void {
    const task = term && this.#running.get(keyOf(term));
    if (!task) return;
    if (!accepted && refusal && passing.has(refusal.reason) && !task.stopped) {
      setTimeout(() => this.#unanswered.resend(task), resendMs).unref();
      return;
    }
    if (!accepted)
      this.#options.log.warn({ task: term.taskId, refusal: refusal?.message }, "a task's end was refused");
    this.#release(task);
  }

  #gaveUp(task: RunningTask, error: MeshError, replaced: boolean): void {
    const { taskId } = task.term;
    const message = replaced
      ? "a task's end cannot be read by the mesh; its task is failed"
      : "nor can its failure be read; its lease is left to expire";
    this.#options.log.error({ task: taskId, error: error.message }, message);
    if (!replaced) this.#release(task);
  }

  #lose(term: LeaseTerm | undefined, reason: string, canceled: boolean): void {
    const task = term && this.#running.get(keyOf(term));
    if (!task) return;
    task.lost(reason, canceled);
    if (this.#unanswered.has(task)) this.#release(task);
  }

  /** The slot is free again. */
  #release(task: RunningTask): void {
    task.settle();
    if (!this.#running.delete(keyOf(task.term))) return;
    this.#unanswered.delete(task);
    this.#held.drop(task.term);
    if (!this.#draining) this.#stream?.push({ credit: 1 });
    if (this.#running.size > 0) return;
    this.#idle?.();
    if (this.#leaving && !this.#draining) this.#stream?.end();
  }

  #giveBack(task: RunningTask): void {
    if (this.#unanswered.has(task)) return;
    task.stop("the worker is shutting down");
    this.#handBack([task]);
  }

  #handBack(leases: readonly Pick<Lease, "term">[]): void {
    const result = { $case: "released", value: { reason: "its worker shut down" } } as const;
    const finish = leases.map(({ term }) => ({ term, result, usage: undefined }));
    if (finish.length > 0) this.#stream?.push({ finish });
  }

  #append(term: LeaseTerm, entries: LogEntry[]): void {
    const append = { term, entries };
    if (this.#stream) this.#stream.push({ append: [append] });
    else this.#backlog.add(append);
  }

  #hearHeartbeat({ renewed, lost }: FromHeartbeat): void {
    for (const { agoMs, ...term } of renewed) this.#running.get(keyOf(term))?.trust(agoMs);
    for (const { canceled, ...term } of lost) this.#lose(term, staleReason, canceled);
  }
}

/** True for a response that tells more than that the server is there. */
function isProgress({ leases, renewed, finished, revoked, appendRefused }: WorkResponse): boolean {
  return [leases, renewed, finished, revoked, appendRefused].some((list) => list.length > 0);
}

function keyOf({ taskId, fence }: LeaseTerm): string {
  return `${taskId}#${fence}`;
}

/** Resolves with the promise, or when `ms` have passed. */
async function within(ms: number, promise: Promise<void> | undefined): Promise<void> {
  const enough = new AbortController();
  await Promise.race([promise, pause(ms, undefined, { signal: enough.signal }).catch(() => {})]);
  enough.abort();
}
