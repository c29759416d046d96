/** Gathers the plain tasks of one call into chunks. */
import { areAlike, hasTimeouts } from "../alike.ts";
import { laneName } from "../lane.ts";
import type { NewTask } from "../store.ts";
import { chunkSpanMax } from "./chunk.ts";
import { chunkPrefix, chunkSlotsMax, plainId } from "./plain-id.ts";
import { joinPlain } from "./transition.ts";
import type { Tx } from "./tx.ts";

/** A larger spec has a row of its own: who reads one task of a chunk reads the specs of all. */
const plainSpecBytesMax = 16_384;
const chunkSpecBytesMax = 65_536;

/** Whether nothing is known of a new task that a chunk cannot say. */
export function isPlain(task: NewTask): boolean {
  return (
    task.id === undefined &&
    task.fingerprint === "" &&
    task.concurrencyKey === "" &&
    task.workflowId === "" &&
    task.runAtMs === undefined &&
    task.delayMs === undefined &&
    task.parents.length === 0 &&
    task.spec.length <= plainSpecBytesMax &&
    !hasTimeouts(task.timeouts)
  );
}

/** A chunk that is being filled. */
interface Draft {
  /** What all its tasks are like. */
  readonly model: NewTask;
  readonly lane: string;
  readonly firstSeq: number;
  readonly prefix: string;
  readonly ids: string[];
  readonly offsets: number[];
  readonly specs: Uint8Array[];
  specBytes: number;
}

export class Intake {
  readonly #tx: Tx;
  /** By queue and lane: one each, so that its tasks come before all that join the lane later. */
  readonly #drafts = new Map<string, Draft>();
  #latest: Draft | undefined;

  constructor(tx: Tx) {
    this.#tx = tx;
  }

  /** Takes a plain task in; answers its id. */
  add(task: NewTask): string {
    const seq = this.#tx.queues.nextSeq(task.queue);
    const draft = this.#draftFor(task, seq);
    const id = plainId(draft.prefix, draft.ids.length);
    draft.ids.push(id);
    draft.offsets.push(seq - draft.firstSeq);
    draft.specs.push(task.spec);
    draft.specBytes += task.spec.length;
    this.#tx.queues.count(task.queue, undefined, "QUEUED");
    return id;
  }

  /** Writes what was gathered for the lane of a task that is to join it by itself. */
  closeLane(task: NewTask): void {
    const draft = this.#drafts.get(lineOf(task.queue, laneName(task)));
    if (draft !== undefined) this.#close(draft);
  }

  close(): void {
    for (const draft of this.#drafts.values()) this.#close(draft);
  }

  #draftFor(task: NewTask, seq: number): Draft {
    const latest = this.#latest;
    if (latest !== undefined && fits(task, seq, latest)) return latest;
    const lane = laneName(task);
    const line = lineOf(task.queue, lane);
    let draft = this.#drafts.get(line);
    if (draft !== undefined && !fits(task, seq, draft)) {
      this.#close(draft);
      draft = undefined;
    }
    draft ??= this.#open(task, lane, seq);
    this.#drafts.set(line, draft);
    this.#latest = draft;
    return draft;
  }

  #open(model: NewTask, lane: string, firstSeq: number): Draft {
    const prefix = chunkPrefix(model.queue, this.#tx.nowMs, firstSeq);
    return { model, lane, firstSeq, prefix, ids: [], offsets: [], specs: [], specBytes: 0 };
  }

  #close(draft: Draft): void {
    const { chunks, queues, nowMs } = this.#tx;
    const { model, lane, firstSeq, ids, specs } = draft;
    const { queue, tenant, priority } = model;
    const facts = {
      firstSeq,
      queue,
      tenant,
      priority,
      lane,
      retry: JSON.stringify(model.retry),
      labels: JSON.stringify(model.labels),
      firstPlace: queues.placesBehind(queue, ids.length),
      createdMs: nowMs,
      fence: queues.fenceFloor(queue),
    };
    chunks.add(facts, apart(draft.offsets), specs);
    joinPlain(this.#tx, facts, ids);
    this.#drafts.delete(lineOf(queue, lane));
    if (this.#latest === draft) this.#latest = undefined;
  }
}

function lineOf(queue: string, lane: string): string {
  return `${queue} ${lane}`;
}

/** Nothing to keep of tasks that follow each other. */
function apart(offsets: readonly number[]): Uint16Array | undefined {
  return offsets.at(-1) === offsets.length - 1 ? undefined : Uint16Array.from(offsets);
}

function fits(task: NewTask, seq: number, { model, firstSeq, specs, specBytes }: Draft): boolean {
  return (
    seq - firstSeq <= chunkSpanMax &&
    specs.length < chunkSlotsMax &&
    specBytes + task.spec.length <= chunkSpecBytesMax &&
    areAlike(task, model)
  );
}
