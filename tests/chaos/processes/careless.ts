/**
 * A process that works without care: `careless.ts NAME ADDRESS HISTORY`. It renews no lease, does not mind losing one, and ends
 * every task that it was ever given, in time or not. The mesh has to tell its late ends from those of who has the task by then.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  type Lease,
  WorkerServiceService,
  WorkRequest,
  type WorkResponse,
} from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { toPayload } from "../../../src/core/payload.ts";
import { msToDuration } from "../../../src/core/time.ts";
import type { BidiCall } from "../../../src/rpc/connection.ts";
import { HistoryFile } from "../history.ts";
import { roleNames } from "../workload.ts";
import { RecordedConnection } from "./recorded-connection.ts";

const [name, address, path] = process.argv.slice(2) as [string, string, string];
const history = new HistoryFile(path);
const connection = new RecordedConnection(address, history);
const leaseMs = 1_000;
const slots = 3;

for (;;) {
  const call = connection.bidi(WorkerServiceService.work, { timeoutMs: 600_000 });
  await work(call).catch(() => {});
  call.cancel();
  await pause(200);
}

async function work(call: BidiCall<WorkRequest, WorkResponse>): Promise<void> {
  const hello = {
    role: roleNames.slow,
    workerId: `careless@${name}`,
    version: "chaos",
    slots,
    labels: {},
    lease: msToDuration(leaseMs),
  };
  await call.send(WorkRequest.fromPartial({ hello, credit: slots }));
  for await (const { leases } of call.responses) for (const lease of leases) void end(call, lease);
}

/** After about as long as the lease, so that some of its ends are late. */
async function end(call: BidiCall<WorkRequest, WorkResponse>, { term, attempt }: Lease): Promise<void> {
  if (!term) return;
  history.add({ what: "started", taskId: term.taskId, attempt });
  await pause(leaseMs * 3 * Math.random());
  const result = { $case: "succeeded", value: { output: toPayload({ attempt }) } } as const;
  await call.send(WorkRequest.fromPartial({ finish: [{ term, result }], credit: 1 } as never));
}
