/** Takes tasks in: those that can start at once into chunks' rows, the others into heads. */
import { systemClock } from "../../core/clock.ts";
import { taskId, uniqueId } from "../../core/ids.ts";
import { named } from "../named.ts";
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

export async function submit(calls: Calls, given: readonly NewTask[]): Promise<Submitted> {
  const unknown = await unknownParents(calls, given);
  const items = given.map((task, place): Item => {
    const livesInRow = canStart(task);
    const unknownParent = unknown.get(place);
    return { task: livesInRow ? task : named(task, systemClock.now()), livesInRow, unknownParent };
  });
  const outcomes = new Array<SubmitOutcome>(items.length);
  const effects: string[] = [];
  const sending = { items, outcomes };
  for (const stage of stagesOf(items)) {
    const [only] = stage;
    if (only !== undefined && stage.length === 1) effects.push(...(await send(calls, only, sending)));
    else effects.push(...(await allOf(stage.map((call) => send(calls, call, sending)))).flat());
  }
  return { outcomes, effects };
}

/** Waits for nothing, so that a row says all of it. */
function canStart({ parents, runAtMs, delayMs }: NewTask): boolean {
  return parents.length === 0 && runAtMs === undefined && delayMs === undefined;
}

interface Item {
  readonly task: NewTask;
  /** Else it has a head, and a name. */
  readonly livesInRow: boolean;
  /** A parent that does not exist. */
  readonly unknownParent: string | undefined;
}

/** Tasks of one call that lie together. */
interface OpenChunk {
  readonly writer: ChunkWriter;
  readonly places: number[];
  readonly livesInRows: boolean;
}

/** What one script call takes in. */
class Call {
  readonly queue: string;
  readonly chunks: OpenChunk[] = [];
  #count = 0;
  #bytes = 0;

  constructor(queue: string) {
    this.queue = queue;
  }

  get isFull(): boolean {
    return this.#count >= itemsMax || this.#bytes >= bytesMax;
  }

  add({ task, livesInRow }: Item, place: number): void {
    const unique = task.id === undefined ? undefined : uniqueOf(task.id);
    const chunk = this.#chunkFor(task, livesInRow);
    chunk.places.push(place);
    if (livesInRow) chunk.writer.add(task, unique);
    else chunk.writer.addSpec(task, unique);
    this.#count += 1;
    this.#bytes += task.spec.length;
  }

  /** The last one, or a new one. */
  #chunkFor(task: NewTask, livesInRows: boolean): OpenChunk {
    const isNamed = task.id !== undefined;
    const last = this.chunks.at(-1);
    const isAlike = last?.livesInRows === livesInRows && (last.writer.stamp === "") === isNamed;
    if (last !== undefined && isAlike && last.writer.hasRoomFor(task)) return last;
    const chunk = { writer: new ChunkWriter(isNamed ? "" : newStamp()), places: [], livesInRows };
    this.chunks.push(chunk);
    return chunk;
  }
}

/** By it an id is known to be of a chunk and not of one that a server lost, whose number came again. */
function newStamp(): string {
  return uniqueId(systemClock.now()).slice(0, stampBytes);
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
  items.forEach((item, place) => {
    const { queue, id, parents } = item.task;
    let call = open.get(queue);
    if (call?.isFull) call = undefined;
    if (parents.length > 0 && parents.some(({ taskId: parent }) => (homes.get(parent) ?? call) !== call)) {
      stage = [];
      stages.push(stage);
      open.clear();
      homes.clear();
      call = undefined;
    }
    if (call === undefined) {
      call = new Call(queue);
      stage.push(call);
      open.set(queue, call);
    }
    call.add(item, place);
    if (id !== undefined) homes.set(id, call);
  });
  return stages;
}

const scratch = new Scratch();

interface Sending {
  readonly items: readonly Item[];
  readonly outcomes: SubmitOutcome[];
}

/** Sends a call, and reads its outcomes; answers with its effects. */
async function send(calls: Calls, { queue, chunks }: Call, sending: Sending): Promise<readonly string[]> {
  const { items, outcomes } = sending;
  const tasksMax = calls.limits.queueTasksMax;
  const input = new Writer(64);
  for (const chunk of chunks)
    if (chunk.livesInRows) packRows(input, chunk.writer);
    else for (const place of chunk.places) packItem(input, items[place] as Item);
  const blobs = chunks.map(({ writer }) => writer.done((bytes) => scratch.take(bytes)));
  const script = chunks.every(({ livesInRows }) => livesInRows) ? "enqueue" : "submit";
  const answer = await calls.change(script, queue, input.done(), [tasksMax, ...blobs]);
  // Once they are answered they were sent; a call that failed may still have them.
  for (const blob of blobs) scratch.giveBack(blob);
  let at = 0;
  for (const { livesInRows, places, writer } of chunks) {
    const number = livesInRows ? answer.outcomes.readUIntBE(at, 5) : 0;
    if (livesInRows) at += 5;
    places.forEach((place, slot) => {
      const { task, unknownParent } = items[place] as Item;
      const { id = taskId(queue, madeUnique(writer.stamp, slot, number)) } = task;
      outcomes[place] = readOutcome(answer.outcomes.subarray(at, at + 2), { id, tasksMax, unknownParent });
      at += 2;
    });
  }
  return answer.effects;
}

function packRows(input: Writer, { runs, starts, fingerprints }: ChunkWriter): void {
  input.u8(runs.length);
  for (const { lane, slot, count } of runs) input.text16(lane).u8(slot).u8(count);
  input.u8(starts.length);
  for (const { slot, toStartMs } of starts) input.u8(slot).delay(toStartMs);
  for (const fingerprint of fingerprints) input.text8(fingerprint);
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
  readonly unknownParent: string | undefined;
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

/** For each task one parent that neither exists nor stands earlier in the batch, itself in order; by the task's place. */
async function unknownParents(calls: Calls, tasks: readonly NewTask[]): Promise<Map<number, string>> {
  const unknown = new Map<number, string>();
  if (tasks.every(({ parents }) => parents.length === 0)) return unknown;
  const wanted = new Set(tasks.flatMap((task) => task.parents.map((parent) => parent.taskId)));
  const known = await existing(calls, [...wanted]);
  tasks.forEach(({ id, parents }, place) => {
    const lost = parents.find((parent) => !known.has(parent.taskId));
    if (lost !== undefined) unknown.set(place, lost.taskId);
    else if (id !== undefined) known.add(id);
  });
  return unknown;
}

async function existing(calls: Calls, ids: readonly string[]): Promise<Set<string>> {
  const terms = await readTerms(calls, ids);
  return new Set(ids.filter((_, index) => terms[index] !== undefined));
}
