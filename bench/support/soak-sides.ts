/**
 * The two sides of the soak, with the same mix: of each 100 tasks two fail once and are tried again 100 ms later, one is
 * submitted for later and canceled at once; of about 500 one is watched to its end.
 */
import { Queue as BullQueue, QueueEvents } from "bullmq";
import type { MeshServerOptions } from "../parts/mesh-server.ts";
import { BenchMesh } from "./bench-mesh.ts";
import type { Meter } from "./meters.ts";
import { Part } from "./part.ts";
import { bullOptions, payloadBytes } from "./queue-contenders.ts";
import { benchInput, benchSpec, roleName } from "./role.ts";

/** `watchEvery` shares no place with `cancelEvery` for long. */
export const mix = { failEvery: 50, cancelEvery: 100, watchEvery: 499, laterMs: 30_000, retryMs: 100 };

export interface SoakSide {
  readonly name: string;
  readonly meters: readonly Meter[];
  /** Processes whose memory is told, by the gauge's name. */
  readonly parts: Readonly<Record<string, Part>>;
  /** Tells of handlers: `latencies` of first attempts since it was last asked. */
  readonly worker: Part;
  /** Takes in one batch; resolves when it is acknowledged, its cancels are done and its watched tasks have ended. */
  submit(batch: Batch): Promise<void>;
  /** Queued, delayed or running; throws where a task failed for good. */
  backlog(): Promise<number>;
  close(): Promise<void>;
}

/** Tasks from place `from` of the load on, and when each was due, by nowMicros(). */
export interface Batch {
  readonly from: number;
  readonly dueMicros: readonly number[];
}

/** Whether the task at a place of the load is one of every so many. */
function isEach(every: number, place: number): boolean {
  return place % every === every - 1;
}

/** How many of a load's first `count` tasks are canceled, and so never start. */
export function canceledOf(count: number): number {
  return Math.floor(count / mix.cancelEvery);
}

export async function meshSide(
  { slots, ...options }: Partial<MeshServerOptions> & { readonly slots: number },
  own: Meter,
  redis: Meter,
): Promise<SoakSide> {
  const mesh = await BenchMesh.start(options);
  const worker = await mesh.streamWorker({
    streams: 1,
    credit: slots,
    failEvery: mix.failEvery,
    isTimed: true,
  });
  const follow = async (id: string) => {
    for await (const { event } of mesh.client.watch(id)) if (event?.$case === "final") return;
  };
  const cancel = async (id: string) => void (await mesh.client.cancel(id, "the soak's"));
  return {
    name: "agentmesh",
    meters: [own, mesh.server.meter("server"), worker.meter("worker"), redis],
    parts: { server: mesh.server, worker },
    worker,
    async submit({ from, dueMicros }) {
      const specs = dueMicros.map((micros, index) => {
        const spec = benchSpec(payloadBytes, micros);
        const isLater = isEach(mix.cancelEvery, from + index);
        return isLater ? { ...spec, delay: { seconds: mix.laterMs / 1_000, nanos: 0 } } : spec;
      });
      const ids = await mesh.stream.submit(specs);
      const more = ids.map((id, index) => {
        if (isEach(mix.cancelEvery, from + index)) return cancel(id);
        return isEach(mix.watchEvery, from + index) ? follow(id) : undefined;
      });
      await Promise.all(more);
    },
    async backlog() {
      const [queue] = await mesh.client.queues([roleName]);
      if (queue && queue.failed > 0) throw new Error(`${queue.failed} tasks failed for good`);
      return queue === undefined ? 0 : queue.queued + queue.scheduled + queue.running;
    },
    close: () => mesh.close(),
  };
}

export async function bullSide(
  options: { readonly port: number; readonly finishedKept: number; readonly slots: number },
  own: Meter,
  redis: Meter,
): Promise<SoakSide> {
  const { port, finishedKept, slots } = options;
  const connection = { host: "127.0.0.1", port };
  const queue = new BullQueue(roleName, { connection });
  // Each job that is watched listens to the queue's end.
  queue.setMaxListeners(0);
  const events = new QueueEvents(roleName, { connection });
  await events.waitUntilReady();
  const worker = await Part.start("bull-worker", {
    port,
    queue: roleName,
    slots,
    failEvery: mix.failEvery,
    finishedKept,
  });
  const backoff = { type: "fixed", delay: mix.retryMs };
  return {
    name: "BullMQ",
    meters: [own, worker.meter("worker"), redis],
    parts: { worker },
    worker,
    async submit({ from, dueMicros }) {
      const jobs = dueMicros.map((micros, index) => {
        const delay = isEach(mix.cancelEvery, from + index) ? mix.laterMs : 0;
        const opts = { ...bullOptions, removeOnComplete: { count: finishedKept }, backoff, delay };
        return { name: "task", data: benchInput(payloadBytes, micros), opts };
      });
      const added = await queue.addBulk(jobs);
      const more = added.map((job, index) => {
        if (isEach(mix.cancelEvery, from + index)) return job.remove();
        return isEach(mix.watchEvery, from + index) ? job.waitUntilFinished(events) : undefined;
      });
      await Promise.all(more);
    },
    async backlog() {
      const counts = await queue.getJobCounts("waiting", "active", "delayed", "prioritized", "failed");
      if ((counts.failed ?? 0) > 0) throw new Error(`${counts.failed} jobs failed for good`);
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    },
    async close() {
      await worker.stop();
      await events.close();
      await queue.close();
    },
  };
}
