/**
 * Scales the roles of one machine as a cluster would: polls and looks at the same times, by the same files and the same arithmetic. What
 * starts and stops workers is handed to it.
 */
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/log.ts";
import { decide, type ScaleSettings } from "../decide.ts";
import type { Activity } from "../external/activity.ts";
import { hpaSyncMs } from "../hpa.ts";
import type { ScaledObjectSpec, Seen } from "../keda.ts";
import type { RoleLoads } from "../role-loads.ts";
import { polled, type ScalerState, scalerStateFirst, synced } from "../scaler.ts";

export interface FleetCounts {
  readonly ready: number;
  readonly starting: number;
  /** Beyond those that are asked for: they end what they run. */
  readonly draining: number;
}

/** What starts and stops workers. */
export interface WorkerFleet {
  /** As many as that, from now on; those that are one too many end what they run first. */
  scale(role: string, replicas: number): void;
  counts(role: string): FleetCounts;
}

export interface LocalScalerOptions {
  readonly policies: ReadonlyMap<
    string,
    { readonly spec: ScaledObjectSpec; readonly settings: ScaleSettings }
  >;
  readonly loads: Pick<RoleLoads, "of">;
  readonly activity: Activity;
  readonly fleet: WorkerFleet;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What became of a role at the last look. */
export interface LocalScale extends FleetCounts {
  readonly replicas: number;
  readonly heldBy: string;
}

interface ScaledRole {
  readonly role: string;
  readonly spec: ScaledObjectSpec;
  readonly settings: ScaleSettings;
  state: ScalerState;
  heldBy: string;
  /** A push is being looked into: more of them say nothing new. */
  isPushing: boolean;
  /** One step after the other: a poll that is under way must not undo a later look. */
  turn: Promise<void>;
}

/** What keeps replicas from what the metric means, in words. */
const holds: Readonly<Record<string, string>> = {
  tolerance: "near enough",
  stabilization: "waits out its window",
  rate: "as fast as its policies allow",
  bounds: "at its bound",
  "no metric": "its work is not known",
};

export class LocalScaler {
  readonly #options: LocalScalerOptions;
  readonly #roles: ReadonlyMap<string, ScaledRole>;
  readonly #timers: NodeJS.Timeout[] = [];
  #unlisten = () => {};
  #hasEnded = false;

  constructor(options: LocalScalerOptions) {
    this.#options = options;
    const nowMs = options.clock.now();
    this.#roles = new Map(
      [...options.policies].map(([role, { spec, settings }]) => [
        role,
        {
          role,
          spec,
          settings,
          state: scalerStateFirst(spec, nowMs),
          heldBy: "",
          isPushing: false,
          turn: Promise.resolve(),
        },
      ]),
    );
  }

  /** Starts the least of each role, and goes on until it is stopped. */
  start(): void {
    const { activity, fleet } = this.#options;
    for (const one of this.#roles.values()) {
      fleet.scale(one.role, one.state.replicas);
      this.#every(one.spec.pollingMs, () => this.#poll(one));
      this.#every(hpaSyncMs, () => this.#sync(one));
      void this.#poll(one);
    }
    this.#unlisten = activity((queue) => {
      const one = this.#roles.get(queue);
      // What KEDA makes of a push: it starts the first replica, and no more.
      if (!one?.spec.isPushed || one.state.replicas > 0 || one.isPushing) return;
      one.isPushing = true;
      void this.#poll(one).finally(() => {
        one.isPushing = false;
      });
    });
  }

  /** Resolves when no step is under way; workers stay as they are. */
  async stop(): Promise<void> {
    this.#hasEnded = true;
    this.#unlisten();
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all([...this.#roles.values()].map(({ turn }) => turn));
  }

  statusOf(role: string): LocalScale | undefined {
    const one = this.#roles.get(role);
    if (!one) return undefined;
    return { ...this.#options.fleet.counts(role), replicas: one.state.replicas, heldBy: one.heldBy };
  }

  #every(ms: number, act: () => Promise<void>): void {
    this.#timers.push(setInterval(() => void act(), ms));
  }

  #poll(one: ScaledRole): Promise<void> {
    return this.#step(one, (seen, nowMs) => polled(one.spec, one.state, nowMs, seen));
  }

  #sync(one: ScaledRole): Promise<void> {
    return this.#step(one, (seen, nowMs) => {
      const { heldBy, ...state } = synced(one.spec, one.state, nowMs, seen);
      one.heldBy = holds[heldBy] ?? "";
      return state;
    });
  }

  #step(one: ScaledRole, next: (seen: Seen, nowMs: number) => ScalerState): Promise<void> {
    const step = async () => {
      if (this.#hasEnded) return;
      const seen = await this.#seen(one);
      if (this.#hasEnded) return;
      const before = one.state.replicas;
      one.state = next(seen, this.#options.clock.now());
      const { replicas } = one.state;
      if (replicas === before) return;
      this.#options.log.info({ role: one.role, from: before, to: replicas }, "scaling");
      this.#options.fleet.scale(one.role, replicas);
    };
    // A step that fails must not be the last one.
    one.turn = one.turn
      .then(step)
      .catch((error) =>
        this.#options.log.error(
          { role: one.role, error: String(error) },
          "scaling failed; the next look tries again",
        ),
      );
    return one.turn;
  }

  async #seen({ role, settings }: ScaledRole): Promise<Seen> {
    try {
      return decide(await this.#options.loads.of(role), settings);
    } catch (error) {
      this.#options.log.debug({ role, error: String(error) }, "the work is not known");
      return "error";
    }
  }
}
