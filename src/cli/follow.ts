/** The log of a task or a workflow, printed as it comes. */
import { type Task, TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import type { Workflow } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import type { MeshClient } from "../client/mesh-client.ts";
import { MeshError } from "../core/errors.ts";
import { lineOf } from "./log-lines.ts";
import { err, note, printJsonLine } from "./output.ts";
import { inStateColor, stateName } from "./task-states.ts";
import { plainLine, shownDuration } from "./terminal-text.ts";

export interface FollowOptions {
  /** The first sequence. */
  readonly from: number;
  /** One JSON object a line on stdout, in place of lines on stderr. */
  readonly json: boolean;
}

/** The task when it is final. */
export async function followTask(mesh: MeshClient, id: string, options: FollowOptions): Promise<Task> {
  const tellJson = options.json ? (await import("./contract-json.ts")).taskEventJson : undefined;
  for await (const response of mesh.watch(id, { from: options.from })) {
    if (tellJson) printJsonLine(tellJson(response));
    const { event } = response;
    if (event?.$case === "final") {
      if (!tellJson) noteEnd(event.value);
      return event.value;
    }
    if (tellJson) continue;
    const line = event?.$case === "entry" ? lineOf(event.value, { colors: err }) : undefined;
    if (line !== undefined) note(line);
    if (event?.$case === "gap")
      note(err.dim(`(entries ${event.value.fromSequence} to ${event.value.toSequence} were trimmed)`));
  }
  throw new MeshError("CALL_CANCELED", `the log of ${id} ended before the task did`);
}

/** The workflow when it is final. */
export async function followWorkflow(
  mesh: MeshClient,
  id: string,
  options: FollowOptions,
): Promise<Workflow> {
  if (!options.json) {
    const { watchWorkflow } = await import("./run-workflow.ts");
    const workflow = await watchWorkflow(mesh, await mesh.workflows.get(id), new AbortController().signal);
    noteEnd(workflow);
    return workflow;
  }
  const { workflowEventJson } = await import("./contract-json.ts");
  for await (const response of mesh.workflows.watch(id)) {
    printJsonLine(workflowEventJson(response));
    if (response.event?.$case === "final") return response.event.value;
  }
  throw new MeshError("CALL_CANCELED", `the log of ${id} ended before the workflow did`);
}

/** One line on how it ended. */
export function noteEnd({ id, state, error, createTime, finishTime }: Task | Workflow): void {
  const tookMs = createTime && finishTime ? finishTime.getTime() - createTime.getTime() : undefined;
  const took = tookMs === undefined ? "" : ` after ${shownDuration(tookMs)}`;
  const why = state === TaskState.FAILED && error ? `: ${error.kind}: ${plainLine(error.message)}` : "";
  note(`${id} ${inStateColor(err, state, stateName(state))}${took}${why}`);
}
