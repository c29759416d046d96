/** What a mesh does with payloads too large for its store: where they go, and the sweep of what no task carries any more. */
import { systemClock } from "../core/clock.ts";
import type { Config } from "../core/config/settings.ts";
import type { Logger } from "../core/log.ts";
import { BodySweeper } from "../queue/body-sweeper.ts";
import { Offload } from "../queue/offload.ts";
import type { Queue } from "../queue/queue.ts";
import { openBodies } from "./open-bodies.ts";

export interface MeshBodies {
  readonly offload: Offload;
  /** To be called before the queue is closed. */
  close(): Promise<void>;
}

/** Throws INVALID_CONFIG. A body store that is away is warned of: payloads that need none are served meanwhile. */
export async function startBodies(config: Config, queue: Queue, log: Logger): Promise<MeshBodies> {
  const { offloadBytes, maxBytes, bodyBytesMax } = config.payload;
  const bodies = await openBodies(config);
  const parts = { bodies, clock: systemClock, log };
  const offload = new Offload({ ...parts, offloadBytes, payloadBytesMax: maxBytes, bodyBytesMax });
  const sweeper = new BodySweeper({ ...parts, queue });
  sweeper.start();
  bodies.ping().catch((error: Error) => {
    const { address } = bodies.describe();
    log.warn({ bodies: address, error: error.message }, "the body store is away; large payloads are refused");
  });
  return {
    offload,
    async close() {
      await sweeper.stop();
      await bodies.close();
    },
  };
}
