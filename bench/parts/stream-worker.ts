/** Workers that are bare WorkerService streams, any number of them in one process. */
import { fromPayload } from "../../src/core/payload.ts";
import { Arrivals } from "../support/arrivals.ts";
import type { BenchInput } from "../support/role.ts";
import { partOptions, servePart } from "../support/serve-part.ts";
import { type Outcome, succeeded, WorkStream } from "../support/work-stream.ts";

export interface StreamWorkerOptions {
  readonly address: string;
  readonly streams: number;
  /** Of each stream. */
  readonly credit: number;
  readonly isRegranted?: boolean;
  /** Every so many-th first attempt fails and is tried again; default: none. */
  readonly failEvery?: number;
  /** True: how long each was under way is kept. */
  readonly isTimed?: boolean;
}

const options = partOptions<StreamWorkerOptions>();
const handed = new Arrivals();
const ended = new Arrivals();
const failed: Outcome = {
  $case: "failed",
  value: {
    error: { kind: "BENCH", message: "fails once", retryable: true, detail: "" },
    retryDelay: { seconds: 0, nanos: 100_000_000 },
  },
};

const streams = Array.from(
  { length: options.streams },
  (_, index) =>
    new WorkStream({
      address: options.address,
      workerId: `stream-${process.pid}-${index}`,
      credit: options.credit,
      isRegranted: options.isRegranted,
      end: ({ input, attempt }) => {
        const isFirst = attempt === 1;
        handed.add(options.isTimed && isFirst ? (fromPayload(input) as BenchInput).sentMicros : undefined);
        return options.failEvery && isFirst && handed.count % options.failEvery === 0 ? failed : succeeded;
      },
      accepted: () => ended.add(),
    }),
);
await Promise.all(streams.map(({ welcomed }) => welcomed.promise));

const methods = {
  ...ended.methods(),
  latencies: () => handed.latencies(),
  grant: (each: number) => {
    for (const stream of streams) stream.grant(each);
  },
  untilHanded: (count: number) => handed.until(count),
};
servePart(methods, () => {
  for (const stream of streams) stream.close();
});
