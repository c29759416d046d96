/** Ends attempts. What follows a failed one is decided here, by task.ts, and applied by the script under the same fence. */
import { queueOf } from "../../core/ids.ts";
import type { Finish, FinishOutcome, FinishResult } from "../store.ts";
import {
  afterFailure,
  changeReasons,
  type FailureDecision,
  holdsLease,
  type RetryPolicy,
  type TaskFailure,
} from "../task.ts";
import type { Writer } from "./bytes.ts";
import { allOf, type Calls } from "./calls.ts";
import { stateOf } from "./effects.ts";
import { uniqueOf } from "./keys.ts";
import { packFailure, packParents, packPending, unpackHeader, unpackTerm } from "./pack.ts";

export interface Finished {
  readonly outcomes: FinishOutcome[];
  readonly effects: readonly string[];
}

interface Item {
  readonly finish: Finish;
  /** What the script does with a failed attempt; undefined: its lease is lost, and the script refuses it. */
  readonly decision?: Decision;
}

/** A decided failure, as the finish and expire scripts read it. */
export interface Decision {
  readonly failure: TaskFailure;
  readonly next: FailureDecision;
  readonly attempt: number;
}

export interface AttemptEnd {
  readonly retry: RetryPolicy;
  readonly attempt: number;
  readonly failure: TaskFailure;
  readonly retryDelayMs?: number;
}

export function decide({ retry, attempt, failure, retryDelayMs }: AttemptEnd): Decision {
  return { failure, attempt, next: afterFailure(retry, attempt, failure, Math.random(), retryDelayMs) };
}

/** Again B, delay I6, failure I4c0, reason I4c0. */
export function packDecision(writer: Writer, { failure, next, attempt }: Decision): void {
  const reason = changeReasons.attemptFailed(attempt, failure);
  if (next.next === "retry") writer.u8(1).delay(next.delayMs);
  else writer.u8(0).delay(0);
  writer.blob32(packFailure(failure)).text32(reason);
}

export async function finish(calls: Calls, finishes: readonly Finish[]): Promise<Finished> {
  const someFailed = finishes.some(({ result }) => result.kind === "failed");
  const items = someFailed
    ? await allOf(finishes.map((item) => decideOne(calls, item)))
    : finishes.map((item): Item => ({ finish: item }));
  return calls.batch({
    script: "finish",
    items,
    idOf: ({ finish: { taskId } }) => taskId,
    pack: packItem,
    width: 3,
    read: (outcome): FinishOutcome => ({
      accepted: outcome[0] === 1,
      state: stateOf(outcome[1] as number),
      repeated: outcome[2] === 1,
    }),
    missing: { accepted: false, state: "MISSING", repeated: false },
  });
}

async function decideOne(calls: Calls, item: Finish): Promise<Item> {
  const { taskId, fence, result } = item;
  const queue = queueOf(taskId);
  if (result.kind !== "failed" || queue === undefined) return { finish: item };
  const read = (field: string) =>
    calls.connection.call("HGET", calls.keys.field(queue, field), uniqueOf(taskId)) as Promise<Buffer | null>;
  const [head, header] = await allOf([read("t"), read("h")]);
  if (!head) return { finish: item };
  const term = unpackTerm(head);
  if (!holdsLease(term, fence)) return { finish: item };
  const { failure, retryDelayMs } = result;
  const { retry } = unpackHeader(header);
  return { finish: item, decision: decide({ retry, attempt: term.attempt, failure, retryDelayMs }) };
}

/** A result's kind in its byte; more where usage follows. */
const kindBytes = { succeeded: 0, failed: 1, released: 2, suspended: 3 } as const;
const withUsage = 128;

function packItem(writer: Writer, { finish: { taskId, fence, usage, result }, decision }: Item): void {
  writer.text8(uniqueOf(taskId)).fence(fence);
  if (usage === undefined) writer.u8(kindBytes[result.kind]);
  else
    writer
      .u8(kindBytes[result.kind] + withUsage)
      .f64(usage.tokens)
      .f64(usage.usd);
  if (result.kind === "failed") packFailed(writer, result, decision);
  else if (result.kind === "succeeded") writer.blob32(result.output);
  else if (result.kind === "released") writer.text32(result.reason);
  else {
    writer.blob32(result.resumeState).blob32(packParents(result.parents));
    packPending(writer, result.parents);
  }
}

function packFailed(
  writer: Writer,
  result: FinishResult & { kind: "failed" },
  decision: Decision | undefined,
): void {
  const { failure } = result;
  packDecision(writer, decision ?? { failure, attempt: 0, next: { next: "fail", because: "terminal" } });
}
