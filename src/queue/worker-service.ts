/** WorkerService over the queue: the Work stream, and the unary forms for simple clients. */

import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import type {
  AssignTaskResponse,
  LeaseTerm,
  WorkerServiceServer,
  WorkRequest,
  WorkResponse,
} from "../../gen/grpc/agentmesh/v1/worker.ts";
import type { CallContext, HandlersOf } from "../core/call.ts";
import { FieldCheck } from "../core/check.ts";
import { MeshError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import type { Logger } from "../core/log.ts";
import { msToDuration } from "../core/time.ts";
import { type Catalog, roleOf } from "./catalog.ts";
import { toLeases } from "./leases.ts";
import type { Queue } from "./queue.ts";
import type { Finish, LeaseAsk, LeasedTask } from "./store.ts";
import { requireTaskId } from "./task-service.ts";
import { WorkSession } from "./work-session.ts";
import { appendOf, finishOf } from "./worker-reports.ts";

export interface WorkerServiceOptions {
  readonly queue: Queue;
  readonly catalog: Catalog;
  readonly roleDefault: string;
  readonly payloadBytesMax: number;
  /** Names this server to workers. */
  readonly serverId: string;
  readonly log: Logger;
  /** Aborts when the server begins to drain: workers are told, and get no more leases. */
  readonly draining: AbortSignal;
}

export function workerService(options: WorkerServiceOptions): HandlersOf<WorkerServiceServer> {
  const { queue, catalog, payloadBytesMax } = options;
  const finishOne = async (finish: Finish): Promise<TaskState> => {
    const [outcome] = await queue.finish([finish]);
    if (!outcome?.accepted) throw leaseLost(finish.taskId, finish.fence, outcome?.state ?? "MISSING");
    return outcome.state === "MISSING" ? TaskState.UNSPECIFIED : TaskState[outcome.state];
  };

  return {
    work: (requests: AsyncIterable<WorkRequest>, call: CallContext): AsyncIterable<WorkResponse> =>
      new WorkSession(options, call).converse(requests),

    async assignTask(request, call): Promise<AssignTaskResponse> {
      if (options.draining.aborted) throw new MeshError("SERVER_DRAINING", "the server is shutting down");
      const role = request.role || options.roleDefault;
      roleOf(catalog, "role", role);
      const check = new FieldCheck();
      check.text("worker_id", request.workerId, limits.workerIdBytesMax, true);
      if (request.max !== 0) check.whole("max", request.max, 1, limits.assignMax);
      const waitMs = check.durationMs("wait", request.wait, 0, limits.assignWaitMsMax) ?? 0;
      const leaseMs = check.durationMs("lease", request.lease, limits.leaseMsMin, limits.leaseMsMax);
      check.done();
      const ask = { queue: role, workerId: request.workerId, leaseMs: leaseMs ?? limits.leaseMsDefault };
      const tasks = await assign(queue, ask, request.max || 1, waitMs, call.signal);
      return { leases: await toLeases(queue, tasks) };
    },

    async updateTask(request) {
      const term = requireTerm(request.term);
      if (request.entries.length > 0) {
        const append = appendOf({ term, entries: request.entries }, "entries");
        const [appended] = await queue.append([append]);
        if (!appended?.accepted) throw leaseLost(term.taskId, term.fence, appended?.state ?? "MISSING");
      }
      const check = new FieldCheck();
      const asked = check.durationMs("lease", request.lease, limits.leaseMsMin, limits.leaseMsMax);
      check.done();
      const leaseMs = asked ?? limits.leaseMsDefault;
      const [renewed] = await queue.renew([{ ...term, leaseMs }]);
      if (!renewed?.accepted) throw leaseLost(term.taskId, term.fence, renewed?.state ?? "MISSING");
      return { lease: msToDuration(leaseMs) };
    },

    async completeTask(request) {
      const { output, usage } = request;
      const result = { $case: "succeeded", value: { output } } as const;
      return {
        state: await finishOne(finishOf({ term: requireTerm(request.term), result, usage }, payloadBytesMax)),
      };
    },

    async failTask(request) {
      const { error, retryDelay, usage } = request;
      const result = { $case: "failed", value: { error, retryDelay } } as const;
      return {
        state: await finishOne(finishOf({ term: requireTerm(request.term), result, usage }, payloadBytesMax)),
      };
    },
  };
}

export function leaseLost(taskId: string, fence: number, state: string): MeshError {
  return new MeshError("LEASE_LOST", `term: fence ${fence} of ${taskId} is stale; the task is ${state}`, {
    metadata: { task_id: taskId, state },
  });
}

/** The term, checked. */
function requireTerm(term: LeaseTerm | undefined): LeaseTerm {
  if (!term) throw MeshError.invalid([{ field: "term", description: "is required" }]);
  requireTaskId(term.taskId, "term.task_id");
  return term;
}

/** Up to `max` tasks: those that are there, or else the first that come within `waitMs`. */
async function assign(
  queue: Queue,
  ask: Omit<LeaseAsk, "max">,
  max: number,
  waitMs: number,
  signal: AbortSignal,
): Promise<readonly LeasedTask[]> {
  const { promise, resolve } = Promise.withResolvers<readonly LeasedTask[]>();
  const ready = await queue.lease({ ...ask, max });
  if (ready.length > 0 || waitMs === 0) return ready;
  const session = queue.dispatcher.attach({ ...ask, deliver: resolve });
  session.grant(max);
  const giveUp = () => resolve([]);
  const timer = setTimeout(giveUp, waitMs);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", giveUp);
    session.close();
  }
}
