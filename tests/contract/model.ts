/**
 * Queues in memory that are nothing but the rules of task.ts, lane.ts and policy.ts: what any store must agree with after
 * every call. Ranks stand for the order in which tasks became QUEUED; tasks that one call queued may share a rank, where the
 * order is free.
 */
import { laneName } from "../../src/queue/lane.ts";
import type { NamedTask } from "../../src/queue/named.ts";
import type {
  CancelOutcome,
  FencedTask,
  FinishOutcome,
  FinishResult,
  LeaseAsk,
  Parent,
  QueueChange,
} from "../../src/queue/store.ts";
import {
  afterFailure,
  type DependencyCondition,
  dependencyVerdict,
  type FinalState,
  holdsLease,
  isFinal,
  leaseExpired,
  parentFailedKind,
  repeatsFinish,
  startTimedOut,
  type TaskFailure,
  type TaskState,
} from "../../src/queue/task.ts";
import { ModelLanes } from "./model-lanes.ts";

export interface ModelTask {
  readonly task: NamedTask;
  state: TaskState;
  attempt: number;
  fence: number;
  generation: number;
  rank: number;
  errorKind: string | undefined;
  delayed: boolean;
  /** Conditions not met yet, by parent. */
  readonly unmet: Map<string, DependencyCondition>;
  /** Accepted successes: at most one. */
  successes: number;
}

export class Model {
  readonly tasks = new Map<string, ModelTask>();
  /** Every term that was ever given, stale ones too. */
  readonly terms: FencedTask[] = [];
  /** For each task, the parents that a suspension added. */
  readonly suspendedOn = new Map<string, Set<string>>();
  /** By queue: tasks taken in, and ended. */
  readonly arrived = new Map<string, number>();
  readonly ended = new Map<string, number>();
  readonly #lanes = new Map<string, ModelLanes>();
  #calls = 0;
  #ended: ModelTask[] = [];

  ids(): string[] {
    return [...this.tasks.keys()];
  }

  /** Begins a call: what it queues ranks behind all that was queued before. */
  call<Value>(body: () => Value): Value {
    this.#calls += 1;
    const value = body();
    for (let parent = this.#ended.shift(); parent; parent = this.#ended.shift()) this.#settle(parent);
    for (const lanes of this.#lanes.values()) lanes.review();
    return value;
  }

  submit(task: NamedTask, place: number, fence = 0): void {
    add(this.arrived, task.queue);
    const made: ModelTask = {
      task,
      state: "BLOCKED",
      attempt: 0,
      fence,
      generation: 1,
      rank: 0,
      errorKind: undefined,
      delayed: task.delayMs !== undefined,
      unmet: new Map(),
      successes: 0,
    };
    this.tasks.set(task.id, made);
    this.#wait(made, task.parents);
    if (made.state === "QUEUED") made.rank += place / 1_000;
  }

  /** Takes what a store gave to the asks of one call, when it is what had to be given. */
  leased(asks: readonly LeaseAsk[], grants: readonly (readonly string[])[]): void {
    for (const { queue } of asks) this.lanes(queue).beginCall();
    for (const [place, ask] of asks.entries()) {
      const ids = grants[place] ?? [];
      for (const id of ids) this.#lease(ask, id);
      if (ids.length > ask.max) throw new Error(`leased ${ids.length} of ${ask.max} asked for`);
      const next = ids.length < ask.max ? this.lanes(ask.queue).next(ask) : undefined;
      if (next !== undefined) throw new Error(`leased ${ids.length} of ${ask.max}: lane ${next} is open`);
    }
  }

  #lease(ask: LeaseAsk, id: string): void {
    const chosen = this.#get(id);
    const lanes = this.lanes(ask.queue);
    const lane = lanes.next(ask);
    if (chosen.state !== "QUEUED" || laneName(chosen.task) !== lane)
      throw new Error(`leased ${id} of lane ${laneName(chosen.task)} where ${lane} had its turn`);
    const best = this.#waiting(ask.queue, lane).reduce((one, two) => (two.rank < one.rank ? two : one));
    if (best.rank < chosen.rank) throw new Error(`leased ${id} before ${best.task.id}`);
    lanes.take(chosen.task);
    this.#move(chosen, "RUNNING");
    lanes.review();
    chosen.attempt += 1;
    chosen.fence += 1;
    if (chosen.unmet.size > 0) throw new Error(`${id} runs before its parents`);
    if (chosen.attempt > chosen.task.retry.attemptsMax) throw new Error(`${id} runs more often than it may`);
    this.terms.push({ taskId: id, fence: chosen.fence });
  }

  #waiting(queue: string, lane: string): ModelTask[] {
    return [...this.tasks.values()].filter(
      ({ task, state }) => task.queue === queue && state === "QUEUED" && laneName(task) === lane,
    );
  }

  lanes(queue: string): ModelLanes {
    const lanes = this.#lanes.get(queue) ?? new ModelLanes();
    this.#lanes.set(queue, lanes);
    return lanes;
  }

  configure({ queue, policy, pause }: QueueChange): void {
    const lanes = this.lanes(queue);
    if (policy !== undefined) lanes.change(policy ?? {});
    if (pause !== undefined) lanes.paused = pause !== null;
  }

  /** Tasks that may be removed without another's parent being gone. */
  removable(): string[] {
    const awaited = new Set([...this.tasks.values()].flatMap(({ unmet }) => [...unmet.keys()]));
    return this.ids().filter((id) => isFinal(this.#get(id).state) && !awaited.has(id));
  }

  remove(taskId: string): void {
    this.tasks.delete(taskId);
    this.terms.splice(0, this.terms.length, ...this.terms.filter((term) => term.taskId !== taskId));
  }

  startTimedOut(taskId: string): void {
    const one = this.#get(taskId);
    one.errorKind = startTimedOut.kind;
    this.#end(one, "FAILED");
  }

  finish({ taskId, fence }: FencedTask, result: FinishResult): FinishOutcome {
    const one = this.#get(taskId);
    if (!holdsLease(one, fence)) {
      const repeated = repeatsFinish(one, fence, result.kind);
      return { accepted: repeated, repeated, state: one.state };
    }
    if (result.kind === "succeeded") {
      one.successes += 1;
      if (one.successes > 1) throw new Error(`${taskId} succeeded twice`);
      one.errorKind = undefined;
      this.#end(one, "SUCCEEDED");
    } else if (result.kind === "failed") this.#fail(one, result.failure, result.retryDelayMs);
    else {
      one.attempt -= 1;
      if (result.kind === "suspended") this.#wait(one, result.parents);
      else this.#queue(one, -this.#calls);
    }
    return { accepted: true, repeated: false, state: one.state };
  }

  holds({ taskId, fence }: FencedTask): boolean {
    return holdsLease(this.#get(taskId), fence);
  }

  expire(taskId: string): void {
    this.#fail(this.#get(taskId), leaseExpired);
  }

  promote(taskId: string): void {
    this.#queue(this.#get(taskId));
  }

  cancel(taskId: string): CancelOutcome {
    const one = this.#get(taskId);
    if (isFinal(one.state)) return { changed: false, state: one.state };
    one.fence += 1;
    this.#end(one, "CANCELED");
    return { changed: true, state: "CANCELED" };
  }

  /** Whether it changed anything. */
  retry(taskId: string): boolean {
    const one = this.#get(taskId);
    if (one.state !== "FAILED" && one.state !== "CANCELED") return false;
    Object.assign(one, { attempt: 0, fence: one.fence + 1, generation: one.generation + 1, delayed: false });
    one.errorKind = undefined;
    const parents = [...one.unmet].map(([id, condition]) => ({ taskId: id, name: "", condition }));
    this.#wait(one, parents);
    return true;
  }

  /** Parents that have not ended; for BLOCKED tasks. */
  pending(one: ModelTask): number {
    return [...one.unmet.keys()].filter((id) => !isFinal(this.#get(id).state)).length;
  }

  #get(id: string): ModelTask {
    const one = this.tasks.get(id);
    if (one === undefined) throw new Error(`the model has no ${id}`);
    return one;
  }

  #move(one: ModelTask, state: TaskState): void {
    const lanes = this.lanes(one.task.queue);
    if (one.state === "QUEUED") lanes.leave(one.task);
    if (one.state === "RUNNING") lanes.run(one.task, -1);
    one.state = state;
    if (state === "QUEUED") lanes.join(one.task);
    if (state === "RUNNING") lanes.run(one.task, 1);
  }

  #wait(one: ModelTask, parents: readonly Parent[]): void {
    this.#move(one, "BLOCKED");
    for (const { taskId, condition } of parents) one.unmet.set(taskId, condition);
    for (const { taskId } of parents) this.#look(one, taskId);
    if (one.state === "BLOCKED" && one.unmet.size === 0) this.#open(one);
  }

  /** Looks at one parent of a BLOCKED task. */
  #look(one: ModelTask, parentId: string): void {
    const condition = one.unmet.get(parentId);
    const { state } = this.#get(parentId);
    if (condition === undefined || !isFinal(state)) return;
    if (dependencyVerdict(condition, state) === "met") one.unmet.delete(parentId);
    else if (one.state === "BLOCKED") {
      one.errorKind = parentFailedKind;
      this.#end(one, "FAILED");
    }
  }

  #settle(parent: ModelTask): void {
    for (const one of this.tasks.values()) {
      if (!one.unmet.has(parent.task.id)) continue;
      this.#look(one, parent.task.id);
      if (one.state === "BLOCKED" && one.unmet.size === 0) this.#open(one);
    }
  }

  #open(one: ModelTask): void {
    if (one.delayed) this.#move(one, "SCHEDULED");
    else this.#queue(one);
  }

  #queue(one: ModelTask, rank = this.#calls): void {
    this.#move(one, "QUEUED");
    one.rank = rank;
    one.delayed = false;
  }

  #end(one: ModelTask, state: FinalState): void {
    this.#move(one, state);
    add(this.ended, one.task.queue);
    this.#ended.push(one);
  }

  #fail(one: ModelTask, failure: TaskFailure, retryDelayMs?: number): void {
    one.errorKind = failure.kind;
    const decision = afterFailure(one.task.retry, one.attempt, failure, 0, retryDelayMs);
    if (decision.next === "fail") this.#end(one, "FAILED");
    else if (decision.delayMs > 0) this.#move(one, "SCHEDULED");
    else this.#queue(one);
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
