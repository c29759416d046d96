/** WorkerService over the queue: the Work stream, and the unary forms for simple clients. */

import { TaskState } from "../../../gen/grpc/agentmesh/v1/task.ts";
import {
  type AssignTaskResponse,
  Lease,
  type TaskOutcome,
  type WorkerServiceServer,
  type WorkRequest,
} from "../../../gen/grpc/agentmesh/v1/worker.ts";
import type { CallContext, Encoded, HandlersOf } from "../../core/call.ts";
import { FieldCheck } from "../../core/check.ts";
import { MeshError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { msToDuration } from "../../core/time.ts";
import type { Queue } from "../queue.ts";
import type { LeaseAsk, LeasedTask } from "../store.ts";
import { roleOf } from "./catalog.ts";
import { checkWorkerLabels } from "./labels.ts";
import { bytesOf, encodedLease, type ReadyLease } from "./lease-frame.ts";
import { readied } from "./leases.ts";
import { finishOffloaded, givenOutcome } from "./offloaded.ts";
import { termOf } from "./term.ts";
import { type WorkerServiceOptions, WorkSession } from "./work-session.ts";
import { appendOf, finishOf } from "./worker-reports.ts";

export function workerService(options: WorkerServiceOptions): HandlersOf<WorkerServiceServer> {
  const { queue, catalog, payloadBytesMax, draining, offload } = options;
  const finishOne = async (reported: TaskOutcome): Promise<TaskState> => {
    const finish = finishOf(await givenOutcome(offload, reported), payloadBytesMax);
    const outcome = await finishOffloaded(queue, offload, finish);
    if (!outcome?.accepted) throw leaseLost(finish.taskId, finish.fence, outcome?.state ?? "MISSING");
    return outcome.state === "MISSING" ? TaskState.UNSPECIFIED : TaskState[outcome.state];
  };

  return {
    work: (requests: AsyncIterable<WorkRequest>, call: CallContext): AsyncIterable<Encoded> =>
      new WorkSession(options, call).converse(requests),

    async assignTask(request, call): Promise<AssignTaskResponse> {
      if (draining.aborted) throw new MeshError("SERVER_DRAINING", "the server is shutting down");
      const role = request.role || options.roleDefault;
      roleOf(catalog, "role", role);
      const { workerId, labels } = request;
      const check = new FieldCheck();
      check.line("worker_id", workerId, limits.workerIdBytesMax, true);
      checkWorkerLabels(check, "labels", labels);
      if (request.max !== 0) check.whole("max", request.max, 1, limits.assignMax);
      const waitMs = check.durationMs("wait", request.wait, 0, limits.assignWaitMsMax) ?? 0;
      const leaseMs = check.durationMs("lease", request.lease, limits.leaseMsMin, limits.leaseMsMax);
      check.done();
      const ask = { queue: role, workerId, labels, leaseMs: leaseMs ?? limits.leaseMsDefault };
      const tasks = await assign(queue, { ...ask, max: request.max || 1 }, waitMs, [call.signal, draining]);
      const { leases: atOnce, later = [] } = readied(options, tasks);
      const leases = [...atOnce, ...(await later)];
      const fits = call.signal.aborted ? 0 : countFitting(leases);
      const back = leases.slice(fits).map(({ task: { id, fence } }) => ({ taskId: id, fence }));
      if (back.length > 0) await queue.giveBack(back, "it could not be handed over");
      return { leases: leases.slice(0, fits).map(leaseOf) };
    },

    async updateTask(request) {
      const term = termOf(request.term);
      const check = new FieldCheck();
      const asked = check.durationMs("lease", request.lease, limits.leaseMsMin, limits.leaseMsMax);
      check.done();
      if (request.entries.length > 0) {
        const append = appendOf({ term, entries: request.entries }, "entries");
        const [appended] = await queue.append([append]);
        if (!appended?.accepted) throw leaseLost(term.taskId, term.fence, appended?.state ?? "MISSING");
      }
      const leaseMs = asked ?? limits.leaseMsDefault;
      const [renewed] = await queue.renew([{ ...term, leaseMs }]);
      if (!renewed?.accepted) throw leaseLost(term.taskId, term.fence, renewed?.state ?? "MISSING");
      return { lease: msToDuration(leaseMs) };
    },

    async completeTask(request) {
      const { output, usage } = request;
      const result = { $case: "succeeded", value: { output } } as const;
      return {
        state: await finishOne({ term: termOf(request.term), result, usage }),
      };
    },

    async failTask(request) {
      const { error, retryDelay, usage } = request;
      const result = { $case: "failed", value: { error, retryDelay } } as const;
      return {
        state: await finishOne({ term: termOf(request.term), result, usage }),
      };
    },
  };
}

function leaseLost(taskId: string, fence: number, state: string): MeshError {
  return new MeshError("LEASE_LOST", `term: fence ${fence} of ${taskId} is stale; the task is ${state}`, {
    metadata: { task_id: taskId, state },
  });
}

function leaseOf(ready: ReadyLease): Lease {
  return Lease.decode(encodedLease(ready));
}

/** How many leases one answer can carry: half a message's bytes, and one at least. */
function countFitting(leases: readonly ReadyLease[]): number {
  let bytes = 0;
  const over = leases.findIndex((lease, index) => {
    bytes += bytesOf(lease);
    return index > 0 && bytes > limits.messageBytesMax / 2;
  });
  return over < 0 ? leases.length : over;
}

/** Up to `max` tasks: those that are there, or else the first that come within `waitMs` and before an `end`. */
async function assign(
  queue: Queue,
  ask: LeaseAsk,
  waitMs: number,
  ends: readonly AbortSignal[],
): Promise<readonly LeasedTask[]> {
  const { promise, resolve } = Promise.withResolvers<readonly LeasedTask[]>();
  const ready = await queue.lease(ask);
  if (ready.length > 0 || waitMs === 0 || ends.some((end) => end.aborted)) return ready;
  const session = queue.dispatcher.attach({ ...ask, deliver: resolve });
  session.grant(ask.max);
  const giveUp = () => resolve([]);
  const timer = setTimeout(giveUp, waitMs);
  for (const end of ends) end.addEventListener("abort", giveUp, { once: true });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    for (const end of ends) end.removeEventListener("abort", giveUp);
    session.close();
  }
}
