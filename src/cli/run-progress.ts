/** A workflow's nodes as its events tell of them: what a live view shows. */
import { type LogEntry, TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import type { Workflow } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { isFinalState } from "../queue/service/convert.ts";
import { wordsOf } from "./log-lines.ts";

export interface NodeProgress {
  readonly name: string;
  readonly needs: readonly string[];
  readonly state: TaskState;
  /** 0 to 1. */
  readonly fraction: number;
  readonly startedMs: number | undefined;
  readonly finishedMs: number | undefined;
  /** The newest log line, or the newest word on progress while it runs. */
  readonly latest: string;
  readonly isLatestProgress: boolean;
}

export class RunProgress {
  readonly workflow: string;
  readonly #nodes: Map<string, NodeProgress>;

  constructor(workflow: Workflow) {
    this.workflow = workflow.spec?.name ?? "";
    const fresh = { state: TaskState.UNSPECIFIED, fraction: 0, latest: "", isLatestProgress: false } as const;
    const times = { startedMs: undefined, finishedMs: undefined };
    this.#nodes = new Map(
      workflow.nodes.map(({ name, needs }) => [name, { name, needs, ...fresh, ...times }]),
    );
  }

  get nodes(): readonly NodeProgress[] {
    return [...this.#nodes.values()];
  }

  /** Nodes that have ended, however they did. */
  get ended(): number {
    return this.nodes.filter((node) => isFinalState(node.state)).length;
  }

  /** Of the workflow's own task (node "") nothing is kept. */
  take(name: string, entry: LogEntry): void {
    const node = this.#nodes.get(name);
    if (node) this.#nodes.set(name, { ...node, ...changeBy(entry, node) });
  }
}

function changeBy(entry: LogEntry, node: NodeProgress): Partial<NodeProgress> {
  const body = entry.entry;
  if (body?.$case === "progress")
    return {
      fraction: Math.min(1, Math.max(0, body.value.fraction)),
      ...(body.value.message && { latest: body.value.message, isLatestProgress: true }),
    };
  if (body?.$case === "line") {
    const words = wordsOf(entry);
    return words ? { latest: words, isLatestProgress: false } : {};
  }
  if (body?.$case !== "state") return {};
  const { state, reason } = body.value;
  const ms = entry.time?.getTime();
  if (state === TaskState.RUNNING) return { state, startedMs: ms, finishedMs: undefined, fraction: 0 };
  return {
    state,
    ...(isFinalState(state) && { finishedMs: ms }),
    ...(state === TaskState.SUCCEEDED && { fraction: 1, latest: node.isLatestProgress ? "" : node.latest }),
    ...(reason && { latest: reason }),
  };
}
