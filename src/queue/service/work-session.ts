/** One worker's conversation over the Work stream. What the store answers within one turn leaves as one message. */
import type { WorkRequest } from "../../../gen/grpc/agentmesh/v1/worker.ts";
import type { CallContext, Encoded } from "../../core/call.ts";
import { FieldCheck } from "../../core/check.ts";
import { MeshError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Logger } from "../../core/log.ts";
import { msToDuration } from "../../core/time.ts";
import type { Session } from "../dispatcher.ts";
import type { Offload } from "../offload.ts";
import type { Queue } from "../queue.ts";
import type { FencedTask, LeasedTask } from "../store.ts";
import { type Catalog, roleOf } from "./catalog.ts";
import { HeldTerms } from "./held-terms.ts";
import { checkWorkerLabels } from "./labels.ts";
import type { ReadyLease } from "./lease-frame.ts";
import { readied } from "./leases.ts";
import { Outbox } from "./outbox.ts";
import { StreamReports } from "./stream-reports.ts";

/** What WorkerService stands on. */
export interface WorkerServiceOptions {
  readonly queue: Queue;
  readonly catalog: Catalog;
  readonly roleDefault: string;
  readonly payloadBytesMax: number;
  readonly offload?: Offload;
  /** Names this server to workers. */
  readonly serverId: string;
  readonly log: Logger;
  /** Aborts when the server begins to drain: workers are told, and get no more leases. */
  readonly draining: AbortSignal;
}

/** Reports being stored for one stream before its next message is read. */
const reportsInFlightMax = 256;

export class WorkSession {
  readonly #options: WorkerServiceOptions;
  readonly #call: CallContext;
  readonly #outbox = new Outbox();
  readonly #terms = new HeldTerms();
  readonly #reports: StreamReports;
  readonly #inFlight = new Set<Promise<unknown>>();
  #session: Session | undefined;
  #leaseMs: number = limits.leaseMsDefault;

  constructor(options: WorkerServiceOptions, call: CallContext) {
    this.#options = options;
    this.#call = call;
    const [outbox, terms] = [this.#outbox, this.#terms];
    this.#reports = new StreamReports({ ...options, outbox, terms, track: (work) => this.#track(work) });
  }

  async *converse(requests: AsyncIterable<WorkRequest>): AsyncGenerator<Encoded> {
    const { queue, draining } = this.#options;
    const unsubscribe = queue.onRevoked((revoked) => this.#revoke(revoked));
    const drain = () => {
      this.#session?.close();
      this.#track(this.#confirmDrain());
    };
    draining.addEventListener("abort", drain, { once: true });
    const end = () => this.#outbox.end();
    this.#call.signal.addEventListener("abort", end, { once: true });
    const reading = this.#read(requests);
    // Its error is told below, once what came before it has been; until then nobody else may see it as unhandled.
    reading.catch(() => {});
    try {
      yield* this.#outbox;
      await reading;
    } finally {
      this.#session?.close();
      unsubscribe();
      draining.removeEventListener("abort", drain);
      await this.#giveBackUnsent();
    }
  }

  async #read(requests: AsyncIterable<WorkRequest>): Promise<void> {
    try {
      let greeted = false;
      for await (const request of requests) {
        if (request.hello !== undefined) {
          if (greeted)
            throw MeshError.invalid([{ field: "hello", description: "belongs in the first message only" }]);
          this.#greet(request.hello);
          greeted = true;
        }
        if (!greeted)
          throw MeshError.invalid([{ field: "hello", description: "is required in the first message" }]);
        this.#serve(request);
        while (this.#inFlight.size > reportsInFlightMax) await Promise.race(this.#inFlight);
        await this.#outbox.room();
      }
      await Promise.allSettled(this.#inFlight);
    } finally {
      this.#outbox.end();
    }
  }

  #greet(hello: NonNullable<WorkRequest["hello"]>): void {
    const { catalog, roleDefault, queue, serverId, payloadBytesMax, draining } = this.#options;
    const role = hello.role || roleDefault;
    roleOf(catalog, "hello.role", role);
    const check = new FieldCheck();
    check.line("hello.worker_id", hello.workerId, limits.workerIdBytesMax, true);
    checkWorkerLabels(check, "hello.labels", hello.labels);
    const leaseMs = check.durationMs("hello.lease", hello.lease, limits.leaseMsMin, limits.leaseMsMax);
    check.done();
    this.#leaseMs = leaseMs ?? limits.leaseMsDefault;
    if (hello.slots > 0 && !draining.aborted)
      this.#session = queue.dispatcher.attach({
        queue: role,
        workerId: hello.workerId,
        labels: hello.labels,
        leaseMs: this.#leaseMs,
        deliver: (tasks) => this.#deliver(tasks),
      });
    const welcome = {
      serverId,
      lease: msToDuration(this.#leaseMs),
      payloadBytesMax,
      logEntryBytesMax: limits.logEntryBytesMax,
    };
    this.#outbox.push({ welcome, drain: draining.aborted });
  }

  #serve(request: WorkRequest): void {
    this.#session?.resume();
    if (request.drain) {
      this.#session?.close();
      this.#track(this.#confirmDrain());
    }
    if (request.renew.length > 0) this.#reports.renew(request.renew, this.#leaseMs);
    if (request.append.length > 0) this.#reports.append(request.append);
    if (request.finish.length > 0) this.#reports.finish(request.finish);
    const held = this.#session?.credit ?? 0;
    if (request.credit < 0 || request.credit + held > limits.creditMax)
      throw MeshError.invalid([
        {
          field: "credit",
          description: `is ${request.credit}; with the ${held} unused it must be from 0 to ${limits.creditMax}`,
        },
      ]);
    if (request.credit > 0 && this.#session?.open) this.#session.grant(request.credit);
  }

  #deliver(tasks: readonly LeasedTask[]): void {
    const { leases, later } = readied(this.#options, tasks);
    if (leases.length > 0) this.#hand(leases);
    if (later) this.#track(this.#handLater(later, tasks.length - leases.length));
  }

  async #handLater(later: Promise<readonly ReadyLease[]>, count: number): Promise<void> {
    const leases = await later;
    // A task that could not be handed over used none of the worker's credit.
    if (leases.length < count && this.#session?.open) this.#session.grant(count - leases.length);
    this.#hand(leases);
  }

  #hand(leases: readonly ReadyLease[]): void {
    this.#outbox.pushLeases(leases);
    const terms = termsOf(leases);
    for (const term of terms) this.#terms.add(term);
    // Those that were revoked while they were on their way here, too early to be told by #revoke.
    this.#revoke(terms.filter((term) => this.#options.queue.wasRevoked(term)));
  }

  /** Told when every lease that was under way has been: none comes after it. */
  async #confirmDrain(): Promise<void> {
    await Promise.allSettled([...this.#inFlight]);
    this.#outbox.push({ drain: true });
  }

  #revoke(revoked: readonly FencedTask[]): void {
    const held = revoked.filter((term) => this.#terms.has(term));
    if (held.length === 0) return;
    for (const term of held) this.#terms.delete(term);
    // Before anything is leased again: a worker that let a lease run out is not the one to be given the next.
    this.#session?.pause();
    this.#track(this.#tellRevoked(held));
  }

  async #tellRevoked(held: readonly FencedTask[]): Promise<void> {
    const tasks = await this.#options.queue.getAll(held.map(({ taskId }) => taskId));
    const revoked = held.map(({ taskId, fence }, index) => ({
      term: { taskId, fence },
      reason: tasks[index]?.state === "CANCELED" ? "CANCELED" : "EXPIRED",
    }));
    if (revoked.every(({ reason }) => reason === "CANCELED")) this.#session?.resume();
    this.#outbox.push({ revoked });
  }

  #track(work: Promise<unknown>): void {
    const tracked = work
      .catch((error) => {
        this.#options.log.warn({ error: String(error) }, "a worker's report could not be stored");
      })
      .finally(() => this.#inFlight.delete(tracked));
    this.#inFlight.add(tracked);
  }

  /** Leases that never left for the worker go back at once rather than when they expire. */
  async #giveBackUnsent(): Promise<void> {
    await Promise.allSettled(this.#inFlight);
    const terms = termsOf(this.#outbox.unsentLeases());
    const reason = "its worker's stream ended before it was handed over";
    if (terms.length > 0) await this.#options.queue.giveBack(terms, reason);
  }
}

function termsOf(leases: readonly ReadyLease[]): FencedTask[] {
  return leases.map(({ task: { id, fence } }) => ({ taskId: id, fence }));
}
