/**
 * What Prometheus scrapes. Each call of {@link createMetrics} makes a registry of its own, so that two servers in one process,
 * or two tests, count apart. The rest of the house calls a method named after what happened; names of metrics, labels and
 * buckets are known here alone, and docs/metrics.md is rendered from them.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type ClientMetrics, createClientMetrics } from "./client-metrics.ts";
import { createDiscoveryMetrics, type DiscoveryMetrics } from "./discovery-metrics.ts";

/** One queue, as a scrape sees it. */
export interface QueueSample {
  readonly queue: string;
  /** How many tasks are in each state. */
  readonly tasks: Readonly<Record<string, number>>;
  /** How long the oldest QUEUED task has waited; 0: none waits. */
  readonly oldestWaitSeconds: number;
  readonly paused: boolean;
}

export interface MetricsOptions {
  /** Asked once at each scrape; where it rejects, the scrape goes on without the queues' gauges. */
  readonly queues?: () => Promise<readonly QueueSample[]>;
  /** CPU, memory, event loop and garbage collection of this process; default true. */
  readonly processMetrics?: boolean;
}

/** What happened, in the house's words. Durations are in seconds, as Prometheus has them. */
export interface Metrics {
  /** `code` is gRPC's name, such as OK or NOT_FOUND. */
  rpcHandled(service: string, method: string, code: string, seconds: number): void;
  tasksSubmitted(queue: string, count: number): void;
  /** A lease began; the task had waited for `waitSeconds` since it became QUEUED. */
  taskLeased(queue: string, waitSeconds: number): void;
  /** A lease ended with `state`: SUCCEEDED, FAILED, CANCELED, or QUEUED when it will be tried again. */
  taskFinished(queue: string, state: string, runSeconds: number): void;
  leasesExpired(count: number): void;
  /** One call of the store's method, which carried `items`. */
  storeCalled(method: string, items: number, seconds: number): void;
  workerConnected(queue: string): void;
  workerLeft(queue: string): void;
  readonly discovery: DiscoveryMetrics;
  /** For the observer of a MeshClient. */
  readonly client: ClientMetrics;
  /** The text of a scrape, and its content type. */
  scrape(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** Name, kind and help of every metric. */
  describe(): Promise<readonly MetricDescription[]>;
}

export interface MetricDescription {
  readonly name: string;
  readonly kind: string;
  readonly help: string;
}

/** From half a millisecond, what a store call takes, to 10 s; the deadline of a call is 30 s. */
const callBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** From a push to a waiting worker, a millisecond, to the hours of a backlog. */
const taskBuckets = [0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600];
/** Powers of two up to the largest batch of a request, 1,000. */
const batchBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

function createInstruments(registry: Registry) {
  const registers = [registry];
  return {
    rpcs: new Counter({
      name: "agentmesh_rpc_handled_total",
      help: "RPCs that this server ended, by gRPC status code.",
      labelNames: ["service", "method", "code"],
      registers,
    }),
    rpcSeconds: new Histogram({
      name: "agentmesh_rpc_duration_seconds",
      help: "Time from an RPC's arrival to its end; a stream counts once, when it closes.",
      labelNames: ["service", "method"],
      buckets: callBuckets,
      registers,
    }),
    submitted: new Counter({
      name: "agentmesh_tasks_submitted_total",
      help: "Tasks that were taken into a queue; one that existed already under its idempotency key is not counted again.",
      labelNames: ["queue"],
      registers,
    }),
    leased: new Counter({
      name: "agentmesh_tasks_leased_total",
      help: "Leases that began; a task that is tried again counts again.",
      labelNames: ["queue"],
      registers,
    }),
    finished: new Counter({
      name: "agentmesh_tasks_finished_total",
      help: "Leases that a worker ended, by the task's state after it (QUEUED: it will be tried again).",
      labelNames: ["queue", "state"],
      registers,
    }),
    waitSeconds: new Histogram({
      name: "agentmesh_task_wait_seconds",
      help: "Time from a task's becoming QUEUED to its lease.",
      labelNames: ["queue"],
      buckets: taskBuckets,
      registers,
    }),
    runSeconds: new Histogram({
      name: "agentmesh_task_run_seconds",
      help: "Time from a lease's begin to its end by the worker.",
      labelNames: ["queue"],
      buckets: taskBuckets,
      registers,
    }),
    expired: new Counter({
      name: "agentmesh_leases_expired_total",
      help: "Leases taken back because the worker died, was cut off, or stopped renewing.",
      registers,
    }),
    storeSeconds: new Histogram({
      name: "agentmesh_store_call_duration_seconds",
      help: "Time of one call of the store, whole batch.",
      labelNames: ["method"],
      buckets: callBuckets,
      registers,
    }),
    storeItems: new Histogram({
      name: "agentmesh_store_batch_items",
      help: "Items that one call of the store carried; above 1, callers shared a round trip.",
      labelNames: ["method"],
      buckets: batchBuckets,
      registers,
    }),
    workers: new Gauge({
      name: "agentmesh_workers_connected",
      help: "Workers that hold a stream to this server.",
      labelNames: ["queue"],
      registers,
    }),
  };
}

const everyReplica = "read at the scrape; every replica reports the same, so take max, not sum";

function registerQueueGauges(registry: Registry, queues: () => Promise<readonly QueueSample[]>): void {
  let reading: Promise<readonly QueueSample[]> | undefined;
  // The gauges of one scrape are collected together and share one reading.
  const read = () => {
    reading ??= queues()
      .catch(() => [])
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    set: (gauge: Gauge<Label>, sample: QueueSample) => void,
  ) =>
    new Gauge<Label>({
      name,
      help: `${help}, ${everyReplica}.`,
      labelNames,
      registers: [registry],
      async collect() {
        const samples = await read();
        this.reset();
        for (const sample of samples) set(this, sample);
      },
    });
  gauge(
    "agentmesh_queue_tasks",
    "Tasks in the store by queue and state",
    ["queue", "state"],
    (tasks, sample) => {
      for (const [state, count] of Object.entries(sample.tasks))
        tasks.set({ queue: sample.queue, state }, count);
    },
  );
  gauge(
    "agentmesh_queue_oldest_wait_seconds",
    "How long the oldest QUEUED task has waited; 0 where none waits",
    ["queue"],
    (wait, { queue, oldestWaitSeconds }) => wait.set({ queue }, oldestWaitSeconds),
  );
  gauge(
    "agentmesh_queue_paused",
    "1 where the queue is paused, 0 where it is not",
    ["queue"],
    (gauge, { queue, paused }) => gauge.set({ queue }, paused ? 1 : 0),
  );
}

/** A registry of its own and the methods that feed it. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const on = createInstruments(registry);
  registerQueueGauges(registry, options.queues ?? (async () => []));
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry, prefix: "agentmesh_" });
  return {
    rpcHandled(service, method, code, seconds) {
      on.rpcs.inc({ service, method, code });
      on.rpcSeconds.observe({ service, method }, seconds);
    },
    tasksSubmitted: (queue, count) => on.submitted.inc({ queue }, count),
    taskLeased(queue, waitSeconds) {
      on.leased.inc({ queue });
      on.waitSeconds.observe({ queue }, waitSeconds);
    },
    taskFinished(queue, state, runSeconds) {
      on.finished.inc({ queue, state });
      on.runSeconds.observe({ queue }, runSeconds);
    },
    leasesExpired: (count) => on.expired.inc(count),
    storeCalled(method, items, seconds) {
      on.storeItems.observe({ method }, items);
      on.storeSeconds.observe({ method }, seconds);
    },
    workerConnected: (queue) => on.workers.inc({ queue }),
    workerLeft: (queue) => on.workers.dec({ queue }),
    discovery: createDiscoveryMetrics(registry),
    client: createClientMetrics(registry),
    scrape: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    describe: async () =>
      (await registry.getMetricsAsJSON()).map(({ name, type, help }) => ({ name, kind: String(type), help })),
  };
}
