/** The answers to a worker's reports, in the contract's words. */
import { TaskState } from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { LeaseResult, LeaseTerm } from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { MeshError } from "../../core/errors.ts";
import { publicError } from "../../core/public-error.ts";
import type { FencedOutcome } from "../store.ts";

/** A report that was at fault, or that the store could not take. */
export function refusedBy(term: LeaseTerm | undefined, error: unknown): LeaseResult {
  const { reason, message, metadata } = publicError(MeshError.from(error));
  return { term, accepted: false, refusal: { reason, message, metadata }, state: TaskState.UNSPECIFIED };
}

/** The store's answer to a fenced write. */
export function resultOf(term: LeaseTerm, outcome: FencedOutcome | undefined): LeaseResult {
  const state = outcome?.state ?? "MISSING";
  const accepted = outcome?.accepted ?? false;
  const { taskId, fence } = term;
  const refusal = accepted
    ? undefined
    : {
        reason: "LEASE_LOST",
        message: `fence ${fence} of ${taskId} is stale; the task is ${state}`,
        metadata: { state },
      };
  return {
    term: { taskId, fence },
    accepted,
    refusal,
    state: state === "MISSING" ? TaskState.UNSPECIFIED : TaskState[state],
  };
}
