/** The two sides of the queue's benchmark: our queue over a store, and BullMQ. */
import { Queue as BullQueue, Worker as BullWorker } from "bullmq";
import { TaskSpec } from "../../gen/grpc/agentmesh/v1/task.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/log.ts";
import { toPayload } from "../../src/core/payload.ts";
import { silentObserver } from "../../src/queue/observer.ts";
import { Queue } from "../../src/queue/queue.ts";
import { newTask } from "../../src/queue/service/submission.ts";
import type { LeasedTask, QueueStore } from "../../src/queue/store.ts";
import { retryPolicyDefault } from "../../src/queue/task.ts";
import type { Contender } from "./measure.ts";

/** 200 bytes, as both sides carry it. */
const data = { text: "x".repeat(190) };
const attempts = { attempts: 3, backoff: { type: "exponential", delay: 1_000 } };
const workerSlots = 50;

/** Runs `one` for each of `tasks`, `inFlight` at a time. */
async function crowd(tasks: number, inFlight: number, one: () => Promise<unknown>): Promise<void> {
  let left = tasks;
  const caller = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}

export class OurSide {
  readonly queue: Queue;
  readonly #name: string;
  readonly #context;
  readonly #output = Buffer.alloc(0);

  /** `name`: the role whose queue is used; one for each row, so that rows do not feed each other. */
  constructor(store: QueueStore, name: string) {
    this.#name = name;
    this.queue = new Queue({ store, clock: systemClock, log: silentLogger, observer: silentObserver });
    const role = { name, retry: retryPolicyDefault, timeouts: {}, checkInput: () => [] };
    this.#context = { catalog: new Map([[name, role]]), roleDefault: name, payloadBytesMax: 1_048_576 };
  }

  #task() {
    const spec = TaskSpec.fromPartial({ role: this.#name, input: toPayload(data) });
    return newTask(spec, "spec", { ...this.#context, nowMs: systemClock.now() });
  }

  submit(inFlight: number): Contender {
    return {
      name: "agentmesh",
      run: (tasks) => crowd(tasks, inFlight, () => this.queue.submit([this.#task()])),
    };
  }

  submitBatches(size: number): Contender {
    const batch = () => this.queue.submit(Array.from({ length: size }, () => this.#task()));
    return { name: "agentmesh", run: (tasks) => crowd(tasks / size, 1, batch) };
  }

  /** Leases and completes what is queued, `workerSlots` at a time, until `tasks` are accepted. */
  async drain(tasks: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let left = tasks;
    const complete = async (task: LeasedTask) => {
      const result = { kind: "succeeded", output: this.#output } as const;
      const [outcome] = await this.queue.finish([{ taskId: task.id, fence: task.fence, result }]);
      if (!outcome?.accepted) throw new Error(`${task.id} was refused`);
      session.grant(1);
      if (--left === 0) resolve();
    };
    const session = this.queue.dispatcher.attach({
      queue: this.#name,
      workerId: "bench",
      labels: {},
      leaseMs: 30_000,
      deliver: (leased) => void Promise.all(leased.map(complete)).catch(reject),
    });
    session.grant(workerSlots);
    await promise;
    session.close();
  }

  async fill(tasks: number): Promise<void> {
    await crowd(Math.ceil(tasks / 500), 4, () =>
      this.queue.submit(Array.from({ length: 500 }, () => this.#task())),
    );
  }
}

export class BullSide {
  readonly queue: BullQueue;
  readonly #connection: { host: string; port: number };
  readonly #name: string;

  constructor(port: number, name: string) {
    this.#name = name;
    this.#connection = { host: "127.0.0.1", port };
    this.queue = new BullQueue(name, {
      connection: this.#connection,
      defaultJobOptions: { ...attempts, removeOnComplete: { count: 100_000 } },
    });
  }

  submit(inFlight: number): Contender {
    return { name: "BullMQ add", run: (tasks) => crowd(tasks, inFlight, () => this.queue.add("task", data)) };
  }

  submitBatches(size: number): Contender {
    const batch = () => this.queue.addBulk(Array.from({ length: size }, () => ({ name: "task", data })));
    return { name: `BullMQ addBulk(${size})`, run: (tasks) => crowd(tasks / size, 1, batch) };
  }

  async drain(tasks: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = tasks;
    const worker = new BullWorker(this.#name, async () => undefined, {
      connection: this.#connection,
      concurrency: workerSlots,
      autorun: false,
      removeOnComplete: { count: 100_000 },
    });
    worker.on("completed", () => {
      if (--left === 0) resolve();
    });
    const running = worker.run();
    await promise;
    await worker.close();
    await running;
  }

  async fill(tasks: number): Promise<void> {
    await crowd(Math.ceil(tasks / 500), 4, () =>
      this.queue.addBulk(Array.from({ length: 500 }, () => ({ name: "task", data }))),
    );
  }

  async close(): Promise<void> {
    await this.queue.close();
  }
}
