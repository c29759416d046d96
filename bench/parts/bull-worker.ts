/** BullMQ's worker in a process of its own, with a handler that does nothing. */
import { Worker } from "bullmq";
import { Arrivals } from "../support/arrivals.ts";
import { bullOptions } from "../support/queue-contenders.ts";
import type { BenchInput } from "../support/role.ts";
import { partOptions, servePart } from "../support/serve-part.ts";

export interface BullWorkerOptions {
  readonly port: number;
  readonly queue: string;
  readonly slots: number;
  /** As in {@link StreamWorkerOptions}. */
  readonly failEvery?: number;
  readonly finishedKept?: number;
}

const { port, queue, slots, failEvery, finishedKept } = partOptions<BullWorkerOptions>();
const handed = new Arrivals();
const ended = new Arrivals();
const worker = new Worker<BenchInput>(
  queue,
  async (job) => {
    const isFirst = job.attemptsMade === 0;
    handed.add(isFirst ? job.data.sentMicros : undefined);
    if (failEvery && isFirst && handed.count % failEvery === 0) throw new Error("fails once");
  },
  {
    connection: { host: "127.0.0.1", port },
    concurrency: slots,
    removeOnComplete: finishedKept === undefined ? bullOptions.removeOnComplete : { count: finishedKept },
  },
);
worker.on("completed", () => ended.add());
worker.on("error", () => {});
await worker.waitUntilReady();

servePart({ ...ended.methods(), latencies: () => handed.latencies() }, () => worker.close());
