/** Ends attempts. What follows a failed one is decided here, by task.ts, and applied by the script under the same fence. */
import type { Finish, FinishOutcome, FinishResult } from "../store.ts";
import {
  afterFailure,
  changeReasons,
  type FailureDecision,
  holdsLease,
  type RetryPolicy,
  type TaskFailure,
} from "../task.ts";
import { Writer } from "./bytes.ts";
import type { Calls, Packer } from "./calls.ts";
import { chunkTasksMax, type Made, madeOf, madeUnique } from "./chunk.ts";
import { stateOf } from "./effects.ts";
import { uniqueOf } from "./keys.ts";
import { packFailure, packParents, packPending } from "./pack.ts";
import { readTerms, type Term } from "./read.ts";

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
  const items = await decided(calls, finishes);
  return calls.batch({
    script: "finish",
    items,
    idOf: ({ finish: { taskId } }) => taskId,
    packer: () => new FinishPacker(),
    width: 3,
    read: (outcome): FinishOutcome => ({
      accepted: outcome[0] === 1,
      state: stateOf(outcome[1] as number),
      repeated: outcome[2] === 1,
    }),
    missing: { accepted: false, state: "MISSING", repeated: false },
  });
}

/** The ends, with what follows those that failed. */
async function decided(calls: Calls, finishes: readonly Finish[]): Promise<Item[]> {
  const failed = finishes.filter(({ result }) => result.kind === "failed");
  if (failed.length === 0) return finishes.map((finish) => ({ finish }));
  const terms = await readTerms(
    calls,
    failed.map(({ taskId }) => taskId),
  );
  const termOf = new Map(failed.map((finish, index) => [finish, terms[index]]));
  return finishes.map((finish) => ({ finish, decision: decisionOn(finish, termOf.get(finish)) }));
}

function decisionOn({ fence, result }: Finish, term: Term | undefined): Decision | undefined {
  if (result.kind !== "failed" || term === undefined || !holdsLease(term, fence)) return undefined;
  const { retry, attempt } = term;
  return decide({ retry, attempt, failure: result.failure, retryDelayMs: result.retryDelayMs });
}

/** Neighbours of a chunk whose first attempt succeeded. */
interface Span {
  readonly made: Made;
  readonly outputs: Uint8Array[];
  /** The id of the task that would be the next; undefined: the chunk is through. */
  nextId: string | undefined;
}

/** The fence of the first lease of a task whose id was made. */
const firstFence = 1;

/** Packs ends in the order in which they come, neighbours as one. */
class FinishPacker implements Packer<Item> {
  readonly #writer = new Writer(512);
  #span: Span | undefined;
  #spanBytes = 0;

  get length(): number {
    return this.#writer.length + this.#spanBytes;
  }

  add(item: Item): void {
    const { taskId, fence, usage, result } = item.finish;
    const isPlain = result.kind === "succeeded" && usage === undefined && fence === firstFence;
    const span = isPlain ? this.#spanWith(taskId) : undefined;
    if (!isPlain || span === undefined) {
      this.#closeSpan();
      packItem(this.#writer, item);
      return;
    }
    span.outputs.push(result.output);
    span.nextId = idAfter(taskId, span);
    this.#spanBytes += result.output.length;
  }

  done(): Buffer {
    this.#closeSpan();
    return this.#writer.done();
  }

  /** The span that the task continues, or begins; undefined: its id was not made. */
  #spanWith(taskId: string): Span | undefined {
    if (this.#span?.nextId === taskId) return this.#span;
    const made = madeOf(uniqueOf(taskId));
    if (made === undefined) return undefined;
    this.#closeSpan();
    this.#span = { made, outputs: [], nextId: undefined };
    return this.#span;
  }

  #closeSpan(): void {
    if (this.#span === undefined) return;
    const { made, outputs } = this.#span;
    const writer = this.#writer.u8(0).u40(made.chunk).latin1(made.stamp).u8(made.slot).u8(outputs.length);
    if (this.#spanBytes === 0) writer.u32(0);
    else {
      writer.u32(1 + 4 * outputs.length + this.#spanBytes).u8(outputs.length);
      let end = 0;
      for (const output of outputs) {
        end += output.length;
        writer.u32(end);
      }
      for (const output of outputs) writer.raw(output);
    }
    this.#span = undefined;
    this.#spanBytes = 0;
  }
}

function idAfter(taskId: string, { made: { stamp, slot, chunk }, outputs }: Span): string | undefined {
  const next = slot + outputs.length;
  if (next >= chunkTasksMax) return undefined;
  return taskId.slice(0, taskId.indexOf(".") + 1) + madeUnique(stamp, next, chunk);
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
