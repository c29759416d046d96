/** Watches and reads that outlive their server; a watch is taken up again after the last sequence that arrived. */

import { setTimeout as pause } from "node:timers/promises";
import { TaskServiceService, type WatchTaskResponse } from "../../gen/grpc/agentmesh/v1/task.ts";
import { type WatchWorkflowResponse, WorkflowServiceService } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { MeshError } from "../core/errors.ts";
import type { Connection } from "../rpc/connection.ts";

/** A stream is ended and taken up again after this long, so that even a dead connection is noticed. */
const stretchMs = 600_000;
const pauseMsMax = 2_000;
/** Tries in a row without an answer before the watch gives up. */
const triesMax = 30;

/** How long a stream has to last for a server to be there. */
const aliveMs = 1_000;

export interface ResumeOptions {
  readonly signal?: AbortSignal;
  /** True: a server has answered just before, so that one which does not is waited for. */
  readonly answered?: boolean;
}

/** A stream that can be opened again where it was. */
export interface Resumable<Response> {
  /** Opens it after all that {@link arrived} was told of. */
  open(timing: { readonly timeoutMs: number; readonly signal?: AbortSignal }): AsyncIterable<Response>;
  arrived(response: Response): void;
  isFinal(response: Response): boolean;
}

/** Ends without an event when `signal` aborts. */
export async function* resumeWatch<Response>(
  stream: Resumable<Response>,
  options: ResumeOptions = {},
): AsyncGenerator<Response> {
  const { signal } = options;
  let tries = 0;
  /** True once a server has answered: from then on the watch outlives it. */
  let answered = options.answered ?? false;
  /** Told when its stream has ended: servers close a connection on which a thousand streams are cut short in seconds. */
  let final: Response | undefined;
  while (!signal?.aborted) {
    // A stream on which there is nothing to say yet has a server all the same; without one it fails at once.
    const lives = setTimeout(() => {
      answered = true;
      tries = 0;
    }, aliveMs).unref();
    try {
      for await (const response of stream.open({ timeoutMs: stretchMs, signal })) {
        tries = 0;
        answered = true;
        stream.arrived(response);
        if (stream.isFinal(response)) final = response;
        else yield response;
      }
    } catch (error) {
      if (final) return yield final;
      if (signal?.aborted) return;
      if (!mayResume(error) || ++tries > triesMax) throw error;
      // Most likely no server is there at all.
      if (!answered) throw error;
      await pauseAfter(tries, signal);
    } finally {
      clearTimeout(lives);
    }
    if (final) return yield final;
  }
}

/** A task's log from a sequence on. */
export function taskLog(connection: Connection, taskId: string, from: number): Resumable<WatchTaskResponse> {
  let fromSequence = from;
  return {
    open: (timing) => connection.serverStream(TaskServiceService.watchTask, { taskId, fromSequence }, timing),
    arrived({ event }) {
      if (event?.$case === "entry") fromSequence = event.value.sequence + 1;
      if (event?.$case === "gap") fromSequence = event.value.toSequence + 1;
    },
    isFinal: ({ event }) => event?.$case === "final",
  };
}

/** The logs of a workflow's nodes. */
export function workflowLogs(connection: Connection, workflowId: string): Resumable<WatchWorkflowResponse> {
  const fromSequences: Record<string, number> = {};
  return {
    open: (timing) =>
      connection.serverStream(WorkflowServiceService.watchWorkflow, { workflowId, fromSequences }, timing),
    arrived({ event }) {
      if (event?.$case === "entry") fromSequences[event.value.node] = (event.value.entry?.sequence ?? 0) + 1;
      if (event?.$case === "gap") fromSequences[event.value.node] = (event.value.gap?.toSequence ?? 0) + 1;
    },
    isFinal: ({ event }) => event?.$case === "final",
  };
}

/** A read that outlives its server: tried again while nothing answers. Rejects as it did last when `signal` aborts. */
export async function resumeRead<Value>(
  read: () => Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await read();
    } catch (error) {
      if (!mayResume(error) || tries > triesMax || signal?.aborted) throw error;
      await pauseAfter(tries, signal);
    }
  }
}

function pauseAfter(tries: number, signal: AbortSignal | undefined): Promise<void> {
  const ms = Math.min(pauseMsMax, 100 * 2 ** tries);
  return pause(ms, undefined, { signal }).catch(() => {});
}

/** Whether another try can help: the server went away, or the stretch was over. */
function mayResume(error: unknown): boolean {
  return error instanceof MeshError && (error.code === "UNAVAILABLE" || error.code === "DEADLINE_EXCEEDED");
}
