/** A state of the contract by its name here. */
import { TaskState } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { MeshError } from "../../core/errors.ts";
import { type TaskState as StateName, taskStates } from "../task.ts";

/** Throws INVALID_FIELD that names the place in `states`. */
export function stateName(state: TaskState, index: number): StateName {
  const name = taskStates.find((known) => TaskState[known] === state);
  if (name) return name;
  throw MeshError.invalid([{ field: `states[${index}]`, description: `${state} is not a task state` }]);
}
