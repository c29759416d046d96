/** Takes tasks in: those that can start at once into chunks' rows, the others into heads. */
import { systemClock } from "../../core/clock.ts";
import { taskId, uniqueId } from "../../core/ids.ts";
import { type NamedTask, named } from "../named.ts";
import type { NewTask, SubmitOutcome } from "../store.ts";
import type { TaskState } from "../task.ts";
import { Writer } from "./bytes.ts";
import { allOf, bytesMax, type Calls, itemsMax } from "./calls.ts";
import { ChunkWriter, madeUnique, stampBytes } from "./chunk.ts";
import { stateOf } from "./effects.ts";
import { uniqueOf } from "./keys.ts";
import { packHeader, packLane, packParents, packPending, packTimeouts } from "./pack.ts";
import { readTerms } from "./read.ts";
import { Scratch } from "./scratch.ts";

export interface Submitted {
  readonly outcomes: SubmitOutcome[];
  readonly effects: readonly string[];
}

export function submit(calls: Calls, tasks: readonly NewTask[]): Promise<Submitted> {
  return tasks.every(canStart) ? enqueue(calls, tasks) : submitAny(calls, tasks);
}

/** Waits for nothing, so that a row says all of it. */
function canStart({ parents, runAtMs, delayMs }: NewTask): boolean {
  return parents.length === 0 && runAtMs === undefined && delayMs === undefined;
}

/** What one script call takes in. */
class Call {
  readonly queue: string;
  readonly places: number[] = [];
  readonly chunks: ChunkWriter[] = [];
  #bytes = 0;

  constructor(queue: string) {
    this.queue = queue;
  }

  get isFull(): boolean {
    return this.places.length >= itemsMax || this.#bytes >= bytesMax;
  }

  /** The chunk that takes the task: the last one, or a new one. */
  chunkFor(task: NewTask, place: number, isNamed: boolean): ChunkWriter {
    this.places.push(place);
    this.#bytes += task.spec.length;
    const last = this.chunks.at(-1);
    if (last !== undefined && (last.stamp === "") === isNamed && last.hasRoomFor(task)) return last;
    const chunk = new ChunkWriter(isNamed ? "" : newStamp());
    this.chunks.push(chunk);
    return chunk;
  }
}

/** By it an id is known to be of a chunk and not of one that a server lost, whose number came again. */
function newStamp(): string {
  return uniqueId(systemClock.now()).slice(0, stampBytes);
}

const scratch = new Scratch();

async function enqueue(calls: Calls, tasks: readonly NewTask[]): Promise<Submitted> {
  const open = new Map<string, Call>();
  const all: Call[] = [];
  tasks.forEach((task, place) => {
    const { queue, id } = task;
    let call = open.get(queue);
    if (call === undefined || call.isFull) {
      call = new Call(queue);
      open.set(queue, call);
      all.push(call);
    }
    call.chunkFor(task, place, id !== undefined).add(task, id === undefined ? undefined : uniqueOf(id));
  });
  const tasksMax = calls.limits.queueTasksMax;
  const outcomes = new Array<SubmitOutcome>(tasks.length);
  await allOf(all.map((call) => enqueueOne(calls, call, { tasks, tasksMax, outcomes })));
  return { outcomes, effects: [] };
}

interface Enqueuing {
  readonly tasks: readonly NewTask[];
  readonly tasksMax: number;
  readonly outcomes: SubmitOutcome[];
}

async function enqueueOne(
  calls: Calls,
  { queue, chunks, places }: Call,
  { tasks, tasksMax, outcomes }: Enqueuing,
): Promise<void> {
  const input = new Writer(64);
  for (const { runs, starts, fingerprints } of chunks) {
    input.u8(runs.length);
    for (const { lane, slot, count } of runs) input.text16(lane).u8(slot).u8(count);
    input.u8(starts.length);
    for (const { slot, toStartMs } of starts) input.u8(slot).delay(toStartMs);
    for (const fingerprint of fingerprints) input.text8(fingerprint);
  }
  const blobs = chunks.map((chunk) => chunk.done((bytes) => scratch.take(bytes)));
  const answer = await calls.change("enqueue", queue, input.done(), [tasksMax, ...blobs]);
  // Once they are answered they were sent; a call that failed may still have them.
  for (const blob of blobs) scratch.giveBack(blob);
  let at = 0;
  let nth = 0;
  for (const { count, stamp } of chunks) {
    const number = answer.outcomes.readUIntBE(at, 5);
    at += 5;
    for (let slot = 0; slot < count; slot++, at += 2) {
      const place = places[nth++] as number;
      const { id = taskId(queue, madeUnique(stamp, slot, number)) } = tasks[place] as NewTask;
      outcomes[place] = readOutcome(answer.outcomes.subarray(at, at + 2), { id, tasksMax });
    }
  }
}

interface Item {
  readonly task: NamedTask;
  /** A parent that does not exist. */
  readonly unknownParent: string | undefined;
}

async function submitAny(calls: Calls, given: readonly NewTask[]): Promise<Submitted> {
  const tasks = given.map((task) => named(task, systemClock.now()));
  const unknown = await unknownParents(calls, tasks);
  const items = tasks.map((task): Item => ({ task, unknownParent: unknown.get(task) }));
  const outcomes = new Array<SubmitOutcome>(items.length);
  const effects: string[] = [];
  const tasksMax = calls.limits.queueTasksMax;
  for (const stage of stagesOf(items)) {
    const answers = await allOf(
      stage.map(({ queue, chunks, places }) => {
        const input = new Writer(256);
        for (const place of places) packItem(input, items[place] as Item);
        const blobs = chunks.map((chunk) => chunk.done());
        return calls.change("submit", queue, input.done(), [tasksMax, ...blobs]);
      }),
    );
    answers.forEach((answer, index) => {
      (stage[index] as Call).places.forEach((place, nth) => {
        const { task, unknownParent } = items[place] as Item;
        const outcome = answer.outcomes.subarray(2 * nth, 2 * nth + 2);
        outcomes[place] = readOutcome(outcome, { id: task.id, tasksMax, unknownParent });
      });
      effects.push(...answer.effects);
    });
  }
  return { outcomes, effects };
}

/**
 * The calls that take a batch in; those of one stage go out at once. A child's call goes after that of its parent, so that a
 * connection which is lost in between leaves no child of a parent that never came.
 */
function stagesOf(items: readonly Item[]): Call[][] {
  let stage: Call[] = [];
  const stages = [stage];
  const open = new Map<string, Call>();
  /** Where the tasks of this stage go. */
  const homes = new Map<string, Call>();
  items.forEach(({ task }, place) => {
    const { queue, id, parents } = task;
    const callOf = () => {
      const known = open.get(queue);
      return known?.isFull ? undefined : known;
    };
    const isElsewhere = ({ taskId: parent }: { taskId: string }) =>
      homes.has(parent) && homes.get(parent) !== callOf();
    if (parents.some(isElsewhere)) {
      stage = [];
      stages.push(stage);
      open.clear();
      homes.clear();
    }
    let call = callOf();
    if (call === undefined) {
      call = new Call(queue);
      stage.push(call);
      open.set(queue, call);
    }
    call.chunkFor(task, place, true).addSpec(task, uniqueOf(id));
    homes.set(id, call);
  });
  return stages;
}

function packItem(writer: Writer, { task, unknownParent }: Item): void {
  const timeouts = packTimeouts(task.timeouts);
  writer
    .u8(task.priority)
    .text16(packLane(task))
    .text8(task.fingerprint)
    .blob32(packHeader(task))
    .u8(timeouts.length)
    .raw(timeouts)
    .u8(unknownParent === undefined ? 1 : 0);
  if (task.runAtMs !== undefined) writer.u8(1).delay(task.runAtMs);
  else if (task.delayMs !== undefined) writer.u8(2).delay(task.delayMs);
  else writer.u8(0).delay(0);
  // A task that is refused for its parents may have malformed ones.
  const parents = unknownParent === undefined ? task.parents : [];
  writer.blob32(packParents(parents));
  packPending(writer, parents);
}

interface Asked {
  readonly id: string;
  readonly tasksMax: number;
  readonly unknownParent?: string;
}

function readOutcome(outcome: Buffer, { id, tasksMax, unknownParent }: Asked): SubmitOutcome {
  const state = stateOf(outcome[1] as number) as TaskState;
  switch (outcome[0]) {
    case 0:
      return { status: "created", id, state };
    case 1:
      return { status: "existing", id, state };
    case 2:
      return { status: "conflict", id };
    case 3:
      return { status: "full", tasksMax };
    default:
      return { status: "unknownParent", parentId: unknownParent as string };
  }
}

/** For each task one parent that neither exists nor stands earlier in the batch, itself in order. */
async function unknownParents(calls: Calls, tasks: readonly NamedTask[]): Promise<Map<NamedTask, string>> {
  const unknown = new Map<NamedTask, string>();
  const wanted = new Set(tasks.flatMap((task) => task.parents.map((parent) => parent.taskId)));
  if (wanted.size === 0) return unknown;
  const known = await existing(calls, [...wanted]);
  for (const task of tasks) {
    const lost = task.parents.find((parent) => !known.has(parent.taskId));
    if (lost === undefined) known.add(task.id);
    else unknown.set(task, lost.taskId);
  }
  return unknown;
}

async function existing(calls: Calls, ids: readonly string[]): Promise<Set<string>> {
  const terms = await readTerms(calls, ids);
  return new Set(ids.filter((_, index) => terms[index] !== undefined));
}
