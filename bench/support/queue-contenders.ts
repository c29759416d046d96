/** The two sides of the queue's benchmarks: our queue over a store, and BullMQ. Specs are made and encoded by both in time. */
import { Queue as BullQueue, Worker as BullWorker } from "bullmq";
import { TaskSpec } from "../../gen/grpc/agentmesh/v1/task.ts";
import { systemClock } from "../../src/core/clock.ts";
import { limits } from "../../src/core/limits.ts";
import { silentLogger } from "../../src/core/log.ts";
import { toPayload } from "../../src/core/payload.ts";
import { silentObserver } from "../../src/queue/observer.ts";
import { Queue } from "../../src/queue/queue.ts";
import { newTask } from "../../src/queue/service/submission.ts";
import type { LeasedTask, NewTask, QueueStore, StoreLimits } from "../../src/queue/store.ts";
import { retryPolicyDefault } from "../../src/queue/task.ts";
import { type Contender, crowd } from "./measure.ts";
import type { Meter } from "./meters.ts";

/** 200 bytes, as both sides carry it. */
export const payloadBytes = 200;
const data = { text: "x".repeat(payloadBytes - 10) };
export const workerSlots = 50;
/** Finished tasks that both sides keep. */
const finishedKept = 100_000;

export const storeLimits: StoreLimits = {
  queueTasksMax: limits.queueTasksMax,
  logEntriesMax: limits.logEntriesMax,
  retentionMs: 3_600_000,
  retentionTasksMax: finishedKept,
};

export const bullOptions = {
  attempts: 3,
  backoff: { type: "exponential", delay: 1_000 },
  removeOnComplete: { count: finishedKept },
};

export class OurSide {
  readonly queue: Queue;
  readonly #name: string;
  readonly #context;
  readonly #meters: readonly Meter[];
  readonly #output = Buffer.alloc(0);
  #keys = 0;

  /** `name`: the role whose queue is used; one for each row, so that rows do not feed each other. */
  constructor(store: QueueStore, name: string, meters: readonly Meter[]) {
    this.#name = name;
    this.#meters = meters;
    this.queue = new Queue({ store, clock: systemClock, log: silentLogger, observer: silentObserver });
    const role = { name, retry: retryPolicyDefault, timeouts: {}, checkInput: () => [] };
    this.#context = { catalog: new Map([[name, role]]), roleDefault: name, payloadBytesMax: 1_048_576 };
  }

  task(tenant?: string, idempotencyKey?: string): NewTask {
    const spec = TaskSpec.fromPartial({ role: this.#name, tenant, idempotencyKey, input: toPayload(data) });
    return newTask(spec, "spec", { ...this.#context, nowMs: systemClock.now() });
  }

  submit(inFlight: number): Contender {
    return this.#submitting((tasks) => crowd(tasks, inFlight, () => this.#submit(1)));
  }

  submitBatches(size: number): Contender {
    return this.#submitting((tasks) => crowd(tasks / size, 1, () => this.#submit(size)));
  }

  drain(): Contender {
    return { name: "agentmesh", meters: this.#meters, run: (tasks) => this.#drain(tasks) };
  }

  /** `isKeyed`: each task has an idempotency key. */
  lifeCycle(size: number, isKeyed = false): Contender {
    const run = async (tasks: number) => {
      await crowd(tasks / size, 1, () => this.#submit(size, isKeyed));
      await this.#drain(tasks);
    };
    return { name: "agentmesh", meters: this.#meters, run, check: () => this.#count("QUEUED", 0) };
  }

  async fill(tasks: number): Promise<void> {
    await crowd(Math.ceil(tasks / 500), 4, () => this.#submit(500));
  }

  #submitting(run: Contender["run"]): Contender {
    return { name: "agentmesh", meters: this.#meters, run, check: (tasks) => this.#count("QUEUED", tasks) };
  }

  async #count(state: "QUEUED", wanted: number): Promise<void> {
    const [stats] = await this.queue.stats([this.#name]);
    const found = stats?.counts[state];
    if (found !== wanted) throw new Error(`${this.#name} has ${found} ${state} tasks, not ${wanted}`);
  }

  async #submit(count: number, isKeyed = false): Promise<void> {
    const keyOf = () => (isKeyed ? `order-${++this.#keys}` : undefined);
    const tasks = Array.from({ length: count }, () => this.task(undefined, keyOf()));
    const outcomes = await this.queue.submit(tasks);
    const refused = outcomes.find(({ status }) => status !== "created");
    if (refused) throw new Error(`a submit was answered ${refused.status}`);
  }

  /** Leases and completes what is queued, `workerSlots` at a time, until `tasks` are accepted. */
  async #drain(tasks: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let left = tasks;
    let ungranted = tasks - workerSlots;
    const complete = async (task: LeasedTask) => {
      const result = { kind: "succeeded", output: this.#output } as const;
      const ended = this.queue.finish([{ taskId: task.id, fence: task.fence, result }]);
      if (ungranted-- > 0) session.grant(1);
      const [outcome] = await ended;
      if (!outcome?.accepted) throw new Error(`${task.id} was refused`);
      if (--left === 0) resolve();
    };
    const session = this.queue.dispatcher.attach({
      queue: this.#name,
      workerId: "bench",
      labels: {},
      leaseMs: 30_000,
      deliver: (leased) => void Promise.all(leased.map(complete)).catch(reject),
    });
    session.grant(Math.min(workerSlots, tasks));
    await promise;
    session.close();
  }
}

export class BullSide {
  readonly queue: BullQueue;
  readonly #connection: { host: string; port: number };
  #keys = 0;
  readonly #name: string;
  readonly #meters: readonly Meter[];

  constructor(port: number, name: string, meters: readonly Meter[]) {
    this.#name = name;
    this.#meters = meters;
    this.#connection = { host: "127.0.0.1", port };
    this.queue = new BullQueue(name, { connection: this.#connection, defaultJobOptions: bullOptions });
  }

  submit(inFlight: number): Contender {
    const add = (tasks: number) => crowd(tasks, inFlight, () => this.queue.add("task", data));
    return this.#submitting("BullMQ add", add);
  }

  submitBatches(size: number): Contender {
    const add = (tasks: number) => crowd(tasks / size, 1, () => this.#addBulk(size));
    return this.#submitting(`BullMQ addBulk(${size})`, add);
  }

  drain(): Contender {
    return {
      name: `BullMQ worker(${workerSlots})`,
      meters: this.#meters,
      run: (tasks) => this.#drain(tasks),
    };
  }

  /** `isKeyed`: each job has an id of its own, under which it is added once. */
  lifeCycle(size: number, isKeyed = false): Contender {
    const run = async (tasks: number) => {
      await crowd(tasks / size, 1, () => this.#addBulk(size, isKeyed));
      await this.#drain(tasks);
    };
    return { name: "BullMQ", meters: this.#meters, run, check: () => this.#waiting(0) };
  }

  async fill(tasks: number): Promise<void> {
    await crowd(Math.ceil(tasks / 500), 4, () => this.#addBulk(500));
  }

  async close(): Promise<void> {
    await this.queue.close();
  }

  #submitting(name: string, run: Contender["run"]): Contender {
    return { name, meters: this.#meters, run, check: (tasks) => this.#waiting(tasks) };
  }

  async #waiting(wanted: number): Promise<void> {
    const found = await this.queue.getWaitingCount();
    if (found !== wanted) throw new Error(`BullMQ has ${found} waiting jobs, not ${wanted}`);
  }

  async #addBulk(count: number, isKeyed = false): Promise<void> {
    const optionsOf = () => (isKeyed ? { opts: { jobId: `order-${++this.#keys}` } } : {});
    await this.queue.addBulk(Array.from({ length: count }, () => ({ name: "task", data, ...optionsOf() })));
  }

  async #drain(tasks: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = tasks;
    const worker = new BullWorker(this.#name, async () => undefined, {
      connection: this.#connection,
      concurrency: workerSlots,
      autorun: false,
      removeOnComplete: bullOptions.removeOnComplete,
    });
    worker.on("completed", () => {
      if (--left === 0) resolve();
    });
    const running = worker.run();
    await promise;
    await worker.close();
    await running;
  }
}
