/** Takes tasks in. */
import { systemClock } from "../../core/clock.ts";
import { queueOf } from "../../core/ids.ts";
import { type NamedTask, named } from "../named.ts";
import type { NewTask, SubmitOutcome } from "../store.ts";
import type { TaskState } from "../task.ts";
import { Writer } from "./bytes.ts";
import { allOf, bytesMax, type Calls, itemsMax } from "./calls.ts";
import { ChunkWriter } from "./chunk.ts";
import { stateOf } from "./effects.ts";
import { uniqueOf } from "./keys.ts";
import { packHeader, packLane, packParents, packPending, packTimeouts } from "./pack.ts";

interface Item {
  readonly task: NamedTask;
  /** A parent that does not exist. */
  readonly unknownParent: string | undefined;
}

export interface Submitted {
  readonly outcomes: SubmitOutcome[];
  readonly effects: readonly string[];
}

export async function submit(calls: Calls, given: readonly NewTask[]): Promise<Submitted> {
  const tasks = given.map((task) => named(task, systemClock.now()));
  if (tasks.every(canStart)) {
    const items = tasks.map((task): Item => ({ task, unknownParent: undefined }));
    return takeIn(calls, { script: "enqueue", items, pack: packPlain });
  }
  const unknown = await unknownParents(calls, tasks);
  const items = tasks.map((task): Item => ({ task, unknownParent: unknown.get(task) }));
  return takeIn(calls, { script: "submit", items, pack: packAny });
}

/** Waits for nothing, so that the short script takes it in. */
function canStart({ parents, runAtMs, delayMs }: NewTask): boolean {
  return parents.length === 0 && runAtMs === undefined && delayMs === undefined;
}

interface Intake {
  readonly script: "enqueue" | "submit";
  readonly items: readonly Item[];
  readonly pack: (writer: Writer, item: Item) => void;
}

/** What one script call takes in. */
class Call {
  readonly input = new Writer(256);
  readonly chunks = new ChunkWriter();
  readonly places: number[] = [];
  readonly queue: string;

  constructor(queue: string) {
    this.queue = queue;
  }

  get isFull(): boolean {
    return this.places.length >= itemsMax || this.input.length + this.chunks.bytes >= bytesMax;
  }
}

async function takeIn(calls: Calls, intake: Intake): Promise<Submitted> {
  const { script, items } = intake;
  const outcomes = new Array<SubmitOutcome>(items.length);
  const effects: string[] = [];
  const tasksMax = calls.limits.queueTasksMax;
  for (const stage of stagesOf(intake)) {
    const answers = await allOf(
      stage.map(({ queue, input, chunks }) =>
        calls.change(script, queue, input.done(), [tasksMax, ...chunks.done()]),
      ),
    );
    answers.forEach((answer, index) => {
      (stage[index] as Call).places.forEach((place, nth) => {
        const outcome = answer.outcomes.subarray(2 * nth, 2 * nth + 2);
        outcomes[place] = readOutcome(outcome, items[place] as Item, tasksMax);
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
function stagesOf({ items, pack }: Intake): Call[][] {
  let stage: Call[] = [];
  const stages = [stage];
  const open = new Map<string, Call>();
  /** Where the tasks of this stage go. */
  const homes = new Map<string, Call>();
  items.forEach((item, place) => {
    const { queue, id, spec, parents } = item.task;
    const callOf = () => {
      const known = open.get(queue);
      return known?.isFull ? undefined : known;
    };
    const isElsewhere = ({ taskId }: { taskId: string }) =>
      homes.has(taskId) && homes.get(taskId) !== callOf();
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
    pack(call.input, item);
    call.chunks.add(uniqueOf(id), spec);
    call.places.push(place);
    homes.set(id, call);
  });
  return stages;
}

/** What a first byte adds to the priority when more than the usual follows. */
const moreFollows = 16;

function packPlain(writer: Writer, { task }: Item): void {
  const lane = packLane(task);
  const header = packHeader(task);
  const timeouts = packTimeouts(task.timeouts);
  const isPlain = lane === "" && task.fingerprint === "" && header.length === 0 && timeouts.length === 0;
  if (isPlain) writer.u8(task.priority);
  else
    writer
      .u8(task.priority + moreFollows)
      .text16(lane)
      .text8(task.fingerprint)
      .blob32(header)
      .u8(timeouts.length)
      .raw(timeouts);
}

function packAny(writer: Writer, item: Item): void {
  const { task, unknownParent } = item;
  packPlain(writer, item);
  writer.u8(unknownParent === undefined ? 1 : 0);
  if (task.runAtMs !== undefined) writer.u8(1).delay(task.runAtMs);
  else if (task.delayMs !== undefined) writer.u8(2).delay(task.delayMs);
  else writer.u8(0).delay(0);
  // A task that is refused for its parents may have malformed ones.
  const parents = unknownParent === undefined ? task.parents : [];
  writer.blob32(packParents(parents));
  packPending(writer, parents);
}

function readOutcome(outcome: Buffer, { task, unknownParent }: Item, tasksMax: number): SubmitOutcome {
  const { id } = task;
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
  const found = await allOf(
    ids.map(async (id) => {
      const queue = queueOf(id);
      if (queue === undefined) return false;
      return (await calls.connection.call("HEXISTS", calls.keys.field(queue, "t"), uniqueOf(id))) === 1;
    }),
  );
  return new Set(ids.filter((_, index) => found[index]));
}
