/** What the histories of all processes say together, by key and by task. Pure. */
import type { HistoryEvent, Outcome } from "./history.ts";

export interface KeyEvidence {
  tried: number;
  unknown: number;
  /** Answers that it was made by this submit. */
  created: number;
  /** Answers that it was there already. */
  existing: number;
  /** Answers that it was made, given after one that it was made or there. */
  createdAgain: number;
  readonly taskIds: Set<string>;
  readonly refusals: Set<string>;
  /** An answer said nothing, and the next one did. */
  resolved: boolean;
}

export interface TaskEvidence {
  /** Every fence that a worker was given, each as often as it was given. */
  readonly fences: number[];
  /** Within one process's history, a fence that was not above the one before. */
  fencesBack: number;
  starts: number;
  /** What workers tried to end it as, by fence. */
  readonly tried: Map<number, Outcome>;
  /** Fences whose success the mesh accepted. */
  readonly succeededBy: Set<number>;
  refusedEnds: number;
  cancelTried: boolean;
  /** Somebody was told that it is CANCELED. */
  cancelTold: boolean;
}

export class Evidence {
  readonly keys = new Map<string, KeyEvidence>();
  readonly tasks = new Map<string, TaskEvidence>();
  events = 0;

  /** The events of one process, in their order; those of one submitter's processes must come in theirs. */
  add(history: readonly HistoryEvent[]): void {
    const lastFences = new Map<string, number>();
    for (const event of history) this.#add(event, lastFences);
    this.events += history.length;
  }

  #add(event: HistoryEvent, lastFences: Map<string, number>): void {
    switch (event.what) {
      case "submitTried":
        for (const key of event.keys) this.#key(key).tried += 1;
        return;
      case "submitUnknown":
        for (const key of event.keys) this.#key(key).unknown += 1;
        return;
      case "submitAnswered":
        for (const answer of event.answers) {
          const key = this.#key(answer.key);
          if (answer.taskId === "") {
            key.refusals.add(answer.refusal ?? "");
            continue;
          }
          if (!answer.existing && key.created + key.existing > 0) key.createdAgain += 1;
          key[answer.existing ? "existing" : "created"] += 1;
          key.resolved ||= key.tried > 1;
          key.taskIds.add(answer.taskId);
        }
        return;
      case "cancelTried":
        this.#task(event.taskId).cancelTried = true;
        return;
      case "cancelAnswered":
        this.#task(event.taskId).cancelTold ||= event.canceled;
        return;
      case "leased": {
        const task = this.#task(event.taskId);
        if (event.fence <= (lastFences.get(event.taskId) ?? 0)) task.fencesBack += 1;
        lastFences.set(event.taskId, event.fence);
        task.fences.push(event.fence);
        return;
      }
      case "started":
        this.#task(event.taskId).starts += 1;
        return;
      case "finishTried":
        this.#task(event.taskId).tried.set(event.fence, event.outcome);
        return;
      case "finishAnswered": {
        const task = this.#task(event.taskId);
        if (event.accepted === false) task.refusedEnds += 1;
        if (event.accepted && task.tried.get(event.fence) === "succeeded") task.succeededBy.add(event.fence);
      }
    }
  }

  #key(key: string): KeyEvidence {
    let evidence = this.keys.get(key);
    if (evidence === undefined) {
      evidence = {
        tried: 0,
        unknown: 0,
        created: 0,
        existing: 0,
        createdAgain: 0,
        taskIds: new Set(),
        refusals: new Set(),
        resolved: false,
      };
      this.keys.set(key, evidence);
    }
    return evidence;
  }

  #task(taskId: string): TaskEvidence {
    let evidence = this.tasks.get(taskId);
    if (evidence === undefined) {
      evidence = {
        fences: [],
        fencesBack: 0,
        starts: 0,
        tried: new Map(),
        succeededBy: new Set(),
        refusedEnds: 0,
        cancelTried: false,
        cancelTold: false,
      };
      this.tasks.set(taskId, evidence);
    }
    return evidence;
  }
}
