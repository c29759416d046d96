/** A watch that outlives its server: taken up again after the last sequence that arrived. */

import { setTimeout as pause } from "node:timers/promises";
import { TaskServiceService, type WatchTaskResponse } from "../../gen/grpc/agentmesh/v1/task.ts";
import { MeshError } from "../core/errors.ts";
import type { Connection } from "../rpc/connection.ts";

/** A stream is ended and taken up again after this long, so that even a dead connection is noticed. */
const stretchMs = 600_000;
const pauseMsMax = 2_000;
/** Tries in a row without an answer before the watch gives up. */
const triesMax = 30;

/** Ends without an event when `signal` aborts. */
export async function* resumeWatch(
  connection: Connection,
  taskId: string,
  from: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchTaskResponse> {
  let fromSequence = from;
  let tries = 0;
  while (!signal?.aborted) {
    try {
      const method = TaskServiceService.watchTask;
      for await (const response of connection.serverStream(
        method,
        { taskId, fromSequence },
        { timeoutMs: stretchMs, signal },
      )) {
        tries = 0;
        if (response.event?.$case === "entry") fromSequence = response.event.value.sequence + 1;
        if (response.event?.$case === "gap") fromSequence = response.event.value.toSequence + 1;
        yield response;
        if (response.event?.$case === "final") return;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!mayResume(error) || ++tries > triesMax) throw error;
      // The very first try fails at once: most likely no server is there.
      if (tries === 1 && fromSequence === from) throw error;
      await pause(Math.min(pauseMsMax, 100 * 2 ** tries), undefined, { signal }).catch(() => {});
    }
  }
}

/** Whether another try can help: the server went away, or the stretch was over. */
export function mayResume(error: unknown): boolean {
  return error instanceof MeshError && (error.code === "UNAVAILABLE" || error.code === "DEADLINE_EXCEEDED");
}
