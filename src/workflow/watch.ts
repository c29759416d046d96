/** The logs of a workflow's tasks as one stream, each entry with its node. */
import { setTimeout as pause } from "node:timers/promises";
import type { WatchWorkflowResponse } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import type { Queue } from "../queue/queue.ts";
import { watchResponseOf } from "../queue/service/convert.ts";
import { isFinal } from "../queue/task.ts";

/** Between looks at a node that the orchestrator has not submitted yet. */
const lookMs = 50;

/** `nodes`: task ids by node name, the workflow's own under "". Ends when all have ended. */
export async function* watchNodes(
  queue: Queue,
  nodes: ReadonlyMap<string, string>,
  signal: AbortSignal,
): AsyncGenerator<WatchWorkflowResponse> {
  const told: WatchWorkflowResponse[] = [];
  let wake = () => {};
  let open = nodes.size;
  let failure: unknown;
  const abort = new AbortController();
  const stop = () => {
    abort.abort();
    wake();
  };
  signal.addEventListener("abort", stop, { once: true });
  for (const [node, id] of nodes)
    void follow(queue, node, id, nodes.get("") ?? "", abort.signal, (response) => {
      told.push(response);
      wake();
    })
      .catch((error) => {
        failure ??= error;
      })
      .finally(() => {
        open--;
        wake();
      });
  try {
    while (!signal.aborted) {
      yield* told.splice(0);
      if (failure !== undefined) throw failure;
      if (open === 0 && told.length === 0) return;
      if (told.length > 0) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted) resolve();
      });
    }
  } finally {
    signal.removeEventListener("abort", stop);
    abort.abort();
  }
}

async function follow(
  queue: Queue,
  node: string,
  taskId: string,
  workflowId: string,
  signal: AbortSignal,
  tell: (response: WatchWorkflowResponse) => void,
): Promise<void> {
  if (!(await submitted(queue, taskId, workflowId, signal))) return;
  for await (const event of queue.watch(taskId, 1, signal)) {
    const watched = watchResponseOf(event)?.event;
    if (watched?.$case === "entry")
      tell({ event: { $case: "entry", value: { node, entry: watched.value } } });
    if (watched?.$case === "gap") tell({ event: { $case: "gap", value: { node, gap: watched.value } } });
  }
}

/** Waits until the node's task exists; false when the workflow ended without it. */
async function submitted(
  queue: Queue,
  taskId: string,
  workflowId: string,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    // The workflow is read first: a node submitted before its workflow's end is then seen.
    const workflow = await queue.get(workflowId);
    if (await queue.get(taskId)) return true;
    if (!workflow || isFinal(workflow.state)) return false;
    await pause(lookMs, undefined, { signal }).catch(() => {});
  }
  return false;
}
