/** One lease call's turns of one queue: which lane is served next, and what stops the serving. */
import { nextLane, strideOf } from "../lane.ts";
import { type QueuePolicy, takeTokens, tokenInMs, tokensOf } from "../policy.ts";
import type { LeaseAsk, LeasedTask, LeaseGrant } from "../store.ts";
import type { Control } from "./controls.ts";
import { firstTokenInMs, freeInTime } from "./keys.ts";
import type { LaneRow } from "./lanes.ts";
import { leaseFrom } from "./ready.ts";
import type { Tx } from "./tx.ts";

export class Turns {
  readonly #tx: Tx;
  readonly #queue: string;
  readonly #policy: QueuePolicy;
  readonly #control: Control;

  constructor(tx: Tx, queue: string) {
    this.#tx = tx;
    this.#queue = queue;
    this.#policy = tx.controls.policy(queue);
    this.#control = tx.controls.keep(queue);
    freeInTime(tx, queue);
    tx.lanes.beginCall(queue);
  }

  serve(ask: LeaseAsk): LeaseGrant {
    const tasks: LeasedTask[] = [];
    if (this.#control.pause !== undefined || ask.max === 0) return { tasks };
    let heads = this.#tx.lanes.heads(this.#queue, ask.labels);
    while (tasks.length < ask.max) {
      const rateInMs = this.#rateInMs();
      if (this.#room() <= 0) return { tasks };
      const lane = rateInMs > 0 ? undefined : nextLane(heads, this.#control.turn);
      if (lane === undefined) return { tasks, againInMs: this.#againInMs(heads.length > 0, rateInMs) };
      const alone = heads.length === 1 && lane.key === "" && this.#tx.lanes.isAlone(lane);
      const turns = alone ? Math.min(ask.max - tasks.length, lane.waiting, this.#room()) : 1;
      for (const task of this.#take(lane, Math.max(1, turns), ask)) tasks.push(task);
      heads = this.#headsAfter(heads, lane, ask);
    }
    return { tasks };
  }

  /** Tasks that may start now, by the queue's cap and rate. */
  #room(): number {
    const { runningMax = Number.POSITIVE_INFINITY, rate } = this.#policy;
    const byCap = runningMax - this.#tx.queues.running(this.#queue);
    return rate === undefined || byCap <= 0
      ? byCap
      : Math.min(byCap, Math.max(1, tokensOf(rate, this.#control.fullAtMs, this.#tx.nowMs)));
  }

  #rateInMs(): number {
    const { rate } = this.#policy;
    return rate === undefined ? 0 : tokenInMs(rate, this.#control.fullAtMs, this.#tx.nowMs);
  }

  /** When a rate lets the next task start; undefined: no rate held one back. */
  #againInMs(someOpen: boolean, rateInMs: number): number | undefined {
    if (someOpen) return rateInMs;
    const keyInMs = firstTokenInMs(this.#tx, this.#queue);
    return keyInMs === undefined ? undefined : Math.max(keyInMs, rateInMs);
  }

  /** `turns` turns of one lane. */
  #take(lane: LaneRow, turns: number, ask: LeaseAsk): LeasedTask[] {
    const { lanes, controls } = this.#tx;
    const control = controls.change(this.#queue);
    const stride = strideOf(this.#weight(lane.tenant), lanes.share(lane));
    control.turn += turns;
    control.passes[lane.priority] = lane.pass + (turns - 1) * stride;
    lane.pass += turns * stride;
    lanes.changed(lane);
    const { rate } = this.#policy;
    if (rate !== undefined) control.fullAtMs = takeTokens(rate, control.fullAtMs, this.#tx.nowMs, turns);
    return leaseFrom(this.#tx, lane, turns, ask);
  }

  #weight(tenant: string): number {
    const weights = this.#policy.tenantWeights ?? {};
    return Object.hasOwn(weights, tenant) ? (weights[tenant] as number) : 1;
  }

  #headsAfter(heads: LaneRow[], served: LaneRow, ask: LeaseAsk): LaneRow[] {
    const { lanes } = this.#tx;
    // A turn may have parked the key's other lanes, wherever they are.
    if (served.key !== "") return lanes.heads(this.#queue, ask.labels);
    if (served.waiting > 0 && lanes.isAlone(served)) return heads;
    const next = lanes.headBeside(served);
    return heads.flatMap((head) => (head === served ? (next ?? []) : head));
  }
}
