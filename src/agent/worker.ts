/**
 * A worker: takes leases of one role over the Work stream, runs the role's handler on each, and reports. It outlives its
 * server: when the stream breaks it connects again, and what it holds goes on meanwhile.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Payload } from "../../gen/grpc/agentmesh/v1/payload.ts";
import type { LogEntry } from "../../gen/grpc/agentmesh/v1/task.ts";
import type {
  Lease,
  LeaseResult,
  LeaseTerm,
  TaskOutcome,
  WorkRequest,
  WorkResponse,
} from "../../gen/grpc/agentmesh/v1/worker.ts";
import type { MeshClient } from "../client/mesh-client.ts";
import { limits } from "../core/limits.ts";
import type { Logger } from "../core/log.ts";
import { msToDuration } from "../core/time.ts";
import type { Connection } from "../rpc/connection.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { terminal } from "./failure.ts";
import type { FromHeartbeat, Heartbeat } from "./heartbeat.ts";
import { ReportStream } from "./report-stream.ts";
import type { Role } from "./role.ts";
import { RunningTask } from "./running-task.ts";

export interface WorkerOptions {
  readonly role: Role;
  /** Unique among living workers. */
  readonly workerId: string;
  readonly version: string;
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
/** Log entries kept while no server is there; the oldest go first. */
const backlogMax = 10_000;
/** Refusals of a report that pass. */
const passing = new Set(["STORE_UNAVAILABLE", "STORE_FULL", "INTERNAL"]);

export class Worker {
  readonly #options: WorkerOptions;
  readonly #leaseMs: number;
  readonly #running = new Map<string, RunningTask>();
  /** Ends that the mesh has not answered yet. */
  readonly #unanswered = new Map<string, TaskOutcome>();
  #backlog: WorkRequest["append"] = [];
  #stream: ReportStream | undefined;
  #payloadBytesMax: number = limits.payloadBytesMax;
  #draining = false;
  #stopped = new AbortController();
  #conversation: Promise<void> | undefined;
  #idle: (() => void) | undefined;
  readonly #forgetNews: () => void;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#leaseMs = options.role.lease.seconds * 1_000;
    this.#forgetNews = options.heartbeat.onNews((news) => this.#hearHeartbeat(news));
  }

  start(): void {
    this.#conversation = this.#converse();
  }

  /** True while the stream that brings work is up. */
  get connected(): boolean {
    return this.#stream !== undefined;
  }

  /** Takes no more; lets what runs end for at most `timeoutMs`, gives the rest back, and closes. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    this.#stream?.push({ drain: true });
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
      if (this.#running.size === 0) resolve();
    });
    const enough = new AbortController();
    await Promise.race([idle, pause(timeoutMs, undefined, { signal: enough.signal }).catch(() => {})]);
    enough.abort();
    for (const task of this.#running.values()) this.#giveBack(task);
    await this.#stream?.flushed();
    this.#stopped.abort();
    this.#stream?.end();
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
          if (response.welcome) {
            this.#welcomed(stream, response.welcome.payloadBytesMax);
            backoffMs = reconnectMsMin;
          }
          this.#hear(response);
          if (this.#stopped.signal.aborted) break;
        }
      } catch (error) {
        if (!this.#stopped.signal.aborted)
          log.warn({ error: String(error) }, "the mesh cannot be reached; trying on");
      }
      this.#stream = undefined;
      stream.cancel();
      await pause(backoffMs, undefined, { signal: this.#stopped.signal }).catch(() => {});
      backoffMs = Math.min(reconnectMsMax, backoffMs * 2);
    }
  }

  #hello(): NonNullable<WorkRequest["hello"]> {
    const { role, workerId, version } = this.#options;
    return {
      role: role.name,
      workerId,
      version,
      slots: role.concurrency,
      labels: {},
      lease: msToDuration(this.#leaseMs),
    };
  }

  #welcomed(stream: ReportStream, payloadBytesMax: number): void {
    this.#stream = stream;
    this.#payloadBytesMax = payloadBytesMax;
    const renew = [...this.#running.values()].map((task) => task.term);
    const free = this.#options.role.concurrency - this.#running.size;
    stream.push({ renew, append: this.#backlog.splice(0), finish: [...this.#unanswered.values()] });
    if (!this.#draining && free > 0) stream.push({ credit: free });
  }

  #hear(response: WorkResponse): void {
    for (const lease of response.leases) void this.#work(lease);
    for (const { term, reason } of response.revoked) this.#lose(term, reason);
    for (const { term, accepted } of response.renewed) if (!accepted) this.#lose(term, "its lease is stale");
    for (const result of response.finished) this.#answered(result);
  }

  async #work(lease: Lease): Promise<void> {
    const { role, mesh, sandbox } = this.#options;
    const append = (term: LeaseTerm, entries: LogEntry[]) => this.#append(term, entries);
    const task = new RunningTask(lease, { role, mesh, sandbox, append });
    const { taskId, fence } = task.term;
    this.#running.set(taskId, task);
    this.#beat({ hold: { taskId, fence } });
    const outcome = this.#bounded(await task.run());
    if (task.stopped || this.#running.get(taskId) !== task) return this.#release(task);
    this.#unanswered.set(taskId, outcome);
    this.#stream?.push({ finish: [outcome] });
  }

  /** An output that the mesh would refuse is a failure of the role, and said to be one. */
  #bounded(outcome: TaskOutcome): TaskOutcome {
    if (outcome.result?.$case !== "succeeded" || !outcome.result.value.output) return outcome;
    const bytes = Payload.encode(outcome.result.value.output).finish().length;
    if (bytes <= this.#payloadBytesMax) return outcome;
    const message = `the output has ${bytes} bytes; at most ${this.#payloadBytesMax} are allowed (payload.maxBytes)`;
    const { error } = terminal("OUTPUT_TOO_LARGE", message);
    return { ...outcome, result: { $case: "failed", value: { error, retryDelay: undefined } } };
  }

  #answered({ term, accepted, refusal }: LeaseResult): void {
    const task = term && this.#running.get(term.taskId);
    if (!task || task.term.fence !== term.fence) return;
    if (!accepted && refusal && passing.has(refusal.reason) && !task.stopped) {
      setTimeout(() => this.#resend(task), resendMs).unref();
      return;
    }
    if (!accepted)
      this.#options.log.warn({ task: term.taskId, refusal: refusal?.message }, "a task's end was refused");
    this.#release(task);
  }

  #resend(task: RunningTask): void {
    const outcome = this.#unanswered.get(task.term.taskId);
    if (outcome && outcome.term === task.term) this.#stream?.push({ finish: [outcome] });
  }

  #lose(term: LeaseTerm | undefined, reason: string): void {
    const task = term && this.#running.get(term.taskId);
    if (!task || task.term.fence !== term.fence) return;
    task.stop(reason);
    if (this.#unanswered.has(term.taskId)) this.#release(task);
  }

  /** The slot is free again. */
  #release(task: RunningTask): void {
    const { taskId } = task.term;
    task.settle();
    if (this.#running.get(taskId) !== task) return;
    this.#running.delete(taskId);
    this.#unanswered.delete(taskId);
    this.#beat({ drop: { taskId } });
    if (!this.#draining) this.#stream?.push({ credit: 1 });
    if (this.#running.size === 0) this.#idle?.();
  }

  #giveBack(task: RunningTask): void {
    if (!this.#unanswered.has(task.term.taskId)) {
      task.stop("the worker is shutting down");
      const released = { $case: "released", value: { reason: "its worker shut down" } } as const;
      this.#stream?.push({ finish: [{ term: task.term, result: released, usage: undefined }] });
    }
    this.#beat({ drop: { taskId: task.term.taskId } });
  }

  #append(term: LeaseTerm, entries: LogEntry[]): void {
    if (this.#stream) this.#stream.push({ append: [{ term, entries }] });
    else this.#backlog.push({ term, entries });
    if (this.#backlog.length > backlogMax) this.#backlog = this.#backlog.slice(-backlogMax);
  }

  #hearHeartbeat({ renewed, lost }: FromHeartbeat): void {
    for (const { taskId, fence, agoMs } of renewed) {
      const task = this.#running.get(taskId);
      if (task?.term.fence === fence) task.trust(agoMs);
    }
    for (const term of lost) this.#lose(term, "its lease is stale");
  }

  #beat(change: Pick<Parameters<Heartbeat["send"]>[0], "hold" | "drop">): void {
    const { role, workerId, heartbeat } = this.#options;
    heartbeat.send({ role: role.name, workerId, leaseMs: this.#leaseMs, ...change });
  }
}
