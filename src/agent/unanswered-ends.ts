/**
 * The ends of tasks that the mesh has not answered yet. They are sent again on each new stream; where a stream was refused for
 * what it carried they go one by one, so that an end which no server can read stops neither its neighbours nor the worker.
 */
import type { TaskOutcome } from "../../gen/grpc/agentmesh/v1/worker.ts";
import type { MeshError } from "../core/errors.ts";
import { terminal } from "./failure.ts";
import type { RunningTask } from "./running-task.ts";

/** Streams that an end may break, sent alone, before it is given up: one may have broken for another reason. */
const brokenMax = 2;
/** Errors of a stream that say nothing of what was sent. */
const unrelated: ReadonlySet<string> = new Set(["UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED"]);

export interface UnansweredEndsOptions {
  readonly send: (finish: TaskOutcome[]) => void;
  /** Told of an end that breaks streams. `replaced`: a failure is sent in its place; else nothing more is. */
  readonly gaveUp: (task: RunningTask, error: MeshError, replaced: boolean) => void;
}

interface End {
  outcome: TaskOutcome;
  broken: number;
  replaced: boolean;
}

export class UnansweredEnds {
  readonly #options: UnansweredEndsOptions;
  readonly #ends = new Map<RunningTask, End>();
  #oneByOne = false;
  /** The one that is under way where they go one by one. */
  #alone: RunningTask | undefined;

  constructor(options: UnansweredEndsOptions) {
    this.#options = options;
  }

  has(task: RunningTask): boolean {
    return this.#ends.has(task);
  }

  add(task: RunningTask, outcome: TaskOutcome): void {
    this.#ends.set(task, { outcome, broken: 0, replaced: false });
    this.resend(task);
  }

  resend(task: RunningTask): void {
    const end = this.#ends.get(task);
    if (end && (!this.#oneByOne || this.#alone === task)) this.#options.send([end.outcome]);
    else if (end) this.#sendNext();
  }

  /** It was answered, or is nobody's business any more. */
  delete(task: RunningTask): void {
    this.#ends.delete(task);
    if (this.#ends.size === 0) this.#oneByOne = false;
    if (this.#alone !== task) return;
    this.#alone = undefined;
    this.#sendNext();
  }

  /** On a new stream, once it is up. */
  sendAll(): void {
    this.#alone = undefined;
    if (this.#oneByOne) this.#sendNext();
    else if (this.#ends.size > 0) this.#options.send([...this.#ends.values()].map(({ outcome }) => outcome));
  }

  /** The stream that they were sent on has ended with this error. */
  streamBroke(error: MeshError): void {
    const task = this.#alone;
    this.#alone = undefined;
    if (unrelated.has(error.code) || this.#ends.size === 0) return;
    this.#oneByOne = true;
    const end = task && this.#ends.get(task);
    if (!end || ++end.broken < brokenMax) return;
    if (end.replaced) this.#ends.delete(task);
    else this.#ends.set(task, { outcome: unreadable(end.outcome, error), broken: 0, replaced: true });
    this.#options.gaveUp(task, error, !end.replaced);
  }

  #sendNext(): void {
    if (!this.#oneByOne || this.#alone) return;
    const [next] = this.#ends;
    if (!next) return;
    this.#alone = next[0];
    this.#options.send([next[1].outcome]);
  }
}

function unreadable(outcome: TaskOutcome, { reason, message }: MeshError): TaskOutcome {
  const kind = reason === "PAYLOAD_TOO_LARGE" ? "OUTPUT_TOO_LARGE" : "INVALID_OUTPUT";
  const { error } = terminal(kind, `the mesh cannot read the task's end: ${message}`);
  return { ...outcome, result: { $case: "failed", value: { error, retryDelay: undefined } } };
}
