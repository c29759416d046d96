/** A worker's term, checked: the one rule for the stream and for the unary forms. */
import type { LeaseTerm } from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { MeshError } from "../../core/errors.ts";
import type { FencedTask } from "../store.ts";
import { requireTaskId } from "./task-service.ts";

/** Throws INVALID_FIELD with the field's name. */
export function termOf(term: LeaseTerm | undefined): FencedTask {
  if (!term) throw MeshError.invalid([{ field: "term", description: "is required" }]);
  requireTaskId(term.taskId, "term.task_id");
  if (!Number.isSafeInteger(term.fence) || term.fence < 1) throw noFence(term.fence);
  return { taskId: term.taskId, fence: term.fence };
}

function noFence(fence: number): MeshError {
  const description = `is ${fence}; it must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`;
  return MeshError.invalid([{ field: "term.fence", description }]);
}
