/** The states of a task as people read them. */
import { InvalidArgumentError } from "commander";
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { taskStates } from "../queue/task.ts";
import type { Ending } from "./exit-codes.ts";
import type { Colors } from "./output.ts";

const nameOfNumber = new Map<number, string>(
  Object.entries(TaskState).map(([name, number]) => [number, name]),
);

/** Such as "RUNNING"; of what was not submitted yet, "WAITING". */
export function stateName(state: TaskState): string {
  return state === TaskState.UNSPECIFIED ? "WAITING" : (nameOfNumber.get(state) ?? String(state));
}

const paints: Readonly<Record<string, keyof Colors>> = {
  SUCCEEDED: "green",
  FAILED: "red",
  CANCELED: "yellow",
  RUNNING: "cyan",
  INPUT_REQUIRED: "magenta",
};

/** The text in the state's colour. */
export function inStateColor(colors: Colors, state: TaskState, text: string): string {
  const paint = paints[stateName(state)] ?? "dim";
  return (colors[paint] as (text: string) => string)(text);
}

/** How a command ends that waited for this state. */
export function endingOfState(state: TaskState): Ending {
  return state === TaskState.SUCCEEDED ? "ok" : "failed";
}

/** For `--state`: one name, in whatever case. */
export function gatheredState(value: string, all: readonly TaskState[] = []): TaskState[] {
  const name = taskStates.find((one) => one === value.toUpperCase());
  if (name === undefined)
    throw new InvalidArgumentError(`Allowed choices are ${taskStates.join(", ").toLowerCase()}.`);
  return [...all, TaskState[name]];
}
