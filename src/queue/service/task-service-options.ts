/** What TaskService stands on. */
import type { Clock } from "../../core/clock.ts";
import type { Offload } from "../offload.ts";
import type { Queue } from "../queue.ts";
import type { Catalog } from "./catalog.ts";

export interface TaskServiceOptions {
  readonly queue: Queue;
  readonly catalog: Catalog;
  readonly clock: Clock;
  /** The role of the server; where a spec names none, its queue is meant. */
  readonly roleDefault: string;
  /** Bytes of the largest payload that is taken in, those that are offloaded included. */
  readonly payloadBytesMax: number;
  /** Unset: what is too large for the store is refused. */
  readonly offload?: Offload;
}
