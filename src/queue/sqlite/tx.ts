/** What one call's part of a transaction works with. */
import type { Clock } from "../../core/clock.ts";
import type { StoreLimits } from "../store.ts";
import type { FinalState } from "../task.ts";
import type { Chunks } from "./chunks.ts";
import type { Controls } from "./controls.ts";
import type { Effects } from "./effects.ts";
import type { Lanes } from "./lanes.ts";
import type { Queues } from "./queues.ts";
import type { Statements } from "./statements.ts";

export interface Shelf {
  readonly sql: Statements;
  readonly queues: Queues;
  readonly lanes: Lanes;
  readonly chunks: Chunks;
  readonly controls: Controls;
  readonly limits: StoreLimits;
  readonly clock: Clock;
  /** Uniform in [0, 1): spreads backoffs. */
  readonly chance: () => number;
}

export interface Ended {
  readonly id: string;
  readonly state: FinalState;
}

export interface Tx extends Shelf {
  readonly nowMs: number;
  readonly effects: Effects;
  /** Tasks that ended and whose children have not been told. */
  readonly ended: Ended[];
}
