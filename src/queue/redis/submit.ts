/** Takes tasks in. */
import type { NewTask, SubmitOutcome } from "../store.ts";
import type { TaskState } from "../task.ts";
import type { Writer } from "./bytes.ts";
import { allOf, type Calls } from "./calls.ts";
import { stateOf } from "./effects.ts";
import { uniqueOf } from "./keys.ts";
import { packHeader, packParents, packPending } from "./pack.ts";

interface Item {
  readonly task: NewTask;
  /** A parent that does not exist. */
  readonly unknownParent: string | undefined;
}

export interface Submitted {
  readonly outcomes: SubmitOutcome[];
  readonly effects: readonly string[];
}

export async function submit(calls: Calls, tasks: readonly NewTask[]): Promise<Submitted> {
  return tasks.every(canStart) ? enqueue(calls, tasks) : submitAny(calls, tasks);
}

/** Waits for nothing, so that the short script takes it in. */
function canStart({ parents, runAtMs, delayMs }: NewTask): boolean {
  return parents.length === 0 && runAtMs === undefined && delayMs === undefined;
}

function enqueue(calls: Calls, tasks: readonly NewTask[]): Promise<Submitted> {
  const tasksMax = calls.limits.queueTasksMax;
  return calls.batch({
    script: "enqueue",
    items: tasks,
    idOf: ({ id }) => id,
    pack: packPlain,
    width: 2,
    read: (outcome, task) => readOutcome(outcome, { task, unknownParent: undefined }, tasksMax),
    missing,
    extra: [tasksMax],
  });
}

async function submitAny(calls: Calls, tasks: readonly NewTask[]): Promise<Submitted> {
  const unknown = await unknownParents(calls, tasks);
  const tasksMax = calls.limits.queueTasksMax;
  return calls.batch({
    script: "submit",
    items: tasks.map((task) => ({ task, unknownParent: unknown.get(task) })),
    idOf: ({ task }) => task.id,
    pack: packItem,
    width: 2,
    read: (outcome, item) => readOutcome(outcome, item, tasksMax),
    missing,
    extra: [tasksMax],
  });
}

const missing: SubmitOutcome = { status: "conflict", id: "" };

function packPlain(writer: Writer, task: NewTask): void {
  writer.u8(task.priority).text8(uniqueOf(task.id)).text16(task.fingerprint);
  writer.blob32(packHeader(task)).blob32(task.spec);
}

function packItem(writer: Writer, { task, unknownParent }: Item): void {
  writer.u8(task.priority).u8(unknownParent === undefined ? 1 : 0);
  if (task.runAtMs !== undefined) writer.u8(1).delay(task.runAtMs);
  else if (task.delayMs !== undefined) writer.u8(2).delay(task.delayMs);
  else writer.u8(0).delay(0);
  writer.text8(uniqueOf(task.id)).text16(task.fingerprint);
  writer.blob32(packHeader(task)).blob32(task.spec);
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
async function unknownParents(calls: Calls, tasks: readonly NewTask[]): Promise<Map<NewTask, string>> {
  const unknown = new Map<NewTask, string>();
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
      const key = calls.keys.task(id);
      return key !== undefined && (await calls.connection.call("EXISTS", key)) === 1;
    }),
  );
  return new Set(ids.filter((_, index) => found[index]));
}
