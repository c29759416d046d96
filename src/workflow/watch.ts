/** The logs of a workflow's tasks as one stream, each entry with its node. */
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import type { WatchWorkflowResponse } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { Channel } from "../core/channel.ts";
import type { Queue } from "../queue/queue.ts";
import { watchResponseOf } from "../queue/service/convert.ts";

/** Entries read ahead of the watcher, over all nodes. */
const aheadMax = 256;

/** The name under which the workflow's own log is told. */
export const ownLog = "";

export interface NodeWatch {
  readonly queue: Queue;
  /** Task ids by node, the workflow's own under {@link ownLog}. */
  readonly nodes: ReadonlyMap<string, string>;
  /** The first sequence wanted of each; default 1. */
  readonly fromSequences: Readonly<Record<string, number>>;
  readonly signal: AbortSignal;
}

/** Ends when every log has ended, or with the signal. */
export async function* watchNodes(watch: NodeWatch): AsyncGenerator<WatchWorkflowResponse> {
  const told = new Channel<WatchWorkflowResponse>(aheadMax);
  const stop = new AbortController();
  const signal = AbortSignal.any([watch.signal, stop.signal]);
  signal.addEventListener("abort", () => told.end(), { once: true });
  const planned = Promise.withResolvers<void>();
  const follows = [...watch.nodes.keys()].map(async (node) => {
    // The orchestrator submits all nodes before it leaves its first run.
    if (node !== ownLog) await planned.promise;
    await follow(watch, node, signal, told, planned.resolve);
  });
  Promise.all(follows).then(
    () => told.end(),
    (error) => told.end(error),
  );
  try {
    yield* told;
  } finally {
    stop.abort();
    planned.resolve();
  }
}

/** Tells one task's log; `planned` is called when the workflow's own log shows that its nodes are there, or never will be. */
async function follow(
  { queue, nodes, fromSequences }: NodeWatch,
  node: string,
  signal: AbortSignal,
  told: Channel<WatchWorkflowResponse>,
  planned: () => void,
): Promise<void> {
  const from = fromSequences[node] ?? 1;
  // Entries before the one wanted are not told, and may be the ones that show it.
  if (node === ownLog && from > 1) planned();
  for await (const event of queue.watch(nodes.get(node) ?? "", from, signal)) {
    const watched = watchResponseOf(event)?.event;
    if (watched?.$case === "entry") {
      const { entry } = watched.value;
      if (node === ownLog && entry?.$case === "state" && !atStart.has(entry.value.state)) planned();
      await told.push({ event: { $case: "entry", value: { node, entry: watched.value } } });
    }
    if (watched?.$case === "gap")
      await told.push({ event: { $case: "gap", value: { node, gap: watched.value } } });
  }
  planned();
}

/** States of a workflow's task before its nodes are known to be there. */
const atStart: ReadonlySet<TaskState> = new Set([TaskState.SCHEDULED, TaskState.QUEUED, TaskState.RUNNING]);
