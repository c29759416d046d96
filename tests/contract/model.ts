/**
 * A queue in memory that is nothing but the rules of task.ts: what any store must agree with after every call. Ranks stand
 * for the order in which tasks became QUEUED; tasks that one call queued may share a rank, where the order is free.
 */
import type {
  CancelOutcome,
  FencedTask,
  FinishOutcome,
  FinishResult,
  NewTask,
  Parent,
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
  type TaskFailure,
  type TaskState,
} from "../../src/queue/task.ts";

export interface ModelTask {
  readonly task: NewTask;
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
    return value;
  }

  submit(task: NewTask, place: number): void {
    const made: ModelTask = {
      task,
      state: "BLOCKED",
      attempt: 0,
      fence: 0,
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

  /** Takes what a store leased, when it is what had to be leased next. */
  leased(queue: string, max: number, ids: readonly string[]): void {
    const ready = [...this.tasks.values()].filter(
      ({ task, state }) => task.queue === queue && state === "QUEUED",
    );
    if (ids.length !== Math.min(max, ready.length))
      throw new Error(`leased ${ids.length} of ${ready.length} ready`);
    for (const id of ids) {
      const chosen = this.#get(id);
      const best = ready.reduce((one, two) => (before(two, one) ? two : one));
      if (!ready.includes(chosen) || before(best, chosen))
        throw new Error(`leased ${id} before ${best.task.id}`);
      ready.splice(ready.indexOf(chosen), 1);
      chosen.state = "RUNNING";
      chosen.attempt += 1;
      chosen.fence += 1;
      if (chosen.unmet.size > 0) throw new Error(`${id} runs before its parents`);
      if (chosen.attempt > chosen.task.retry.attemptsMax)
        throw new Error(`${id} runs more often than it may`);
      this.terms.push({ taskId: id, fence: chosen.fence });
    }
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

  #wait(one: ModelTask, parents: readonly Parent[]): void {
    one.state = "BLOCKED";
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
    if (one.delayed) one.state = "SCHEDULED";
    else this.#queue(one);
  }

  #queue(one: ModelTask, rank = this.#calls): void {
    one.state = "QUEUED";
    one.rank = rank;
    one.delayed = false;
  }

  #end(one: ModelTask, state: FinalState): void {
    one.state = state;
    this.#ended.push(one);
  }

  #fail(one: ModelTask, failure: TaskFailure, retryDelayMs?: number): void {
    one.errorKind = failure.kind;
    const decision = afterFailure(one.task.retry, one.attempt, failure, 0, retryDelayMs);
    if (decision.next === "fail") this.#end(one, "FAILED");
    else if (decision.delayMs > 0) one.state = "SCHEDULED";
    else this.#queue(one);
  }
}

function before(one: ModelTask, other: ModelTask): boolean {
  if (one.task.priority !== other.task.priority) return one.task.priority > other.task.priority;
  return one.rank < other.rank;
}
