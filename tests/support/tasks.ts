/** Small builders for tests of stores: a task with everything filled, and the calls that tests make one by one. */
import { randomBytes } from "node:crypto";
import type { NamedTask } from "../../src/queue/named.ts";
import type {
  FencedTask,
  FinishOutcome,
  FinishResult,
  LeaseAsk,
  LeasedTask,
  LeaseGrant,
  NewTask,
  Parent,
  QueueStore,
  TaskRecord,
} from "../../src/queue/store.ts";
import { type DependencyCondition, retryPolicyDefault, type TaskFailure } from "../../src/queue/task.ts";

/** A queue's name that no other test has. */
export function uniqueQueue(prefix = "q"): string {
  return `${prefix}-${randomBytes(8).toString("hex")}`;
}

let made = 0;

/** A task for `queue` that is ready at once and is tried three times without delay, unless `parts` say otherwise. */
export function newTask(queue: string, parts: Partial<NamedTask> = {}): NamedTask {
  made += 1;
  return {
    id: `${queue}.t${made.toString(36).padStart(6, "0")}`,
    queue,
    tenant: "default",
    priority: 5,
    fingerprint: "",
    retry: { ...retryPolicyDefault, backoffInitialMs: 0, backoffMaxMs: 0 },
    timeouts: {},
    concurrencyKey: "",
    workerLabels: {},
    parents: [],
    workflowId: "",
    labels: {},
    spec: bytes(`spec ${made}`),
    ...parts,
  };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(data: Uint8Array | undefined): string | undefined {
  return data === undefined ? undefined : new TextDecoder().decode(data);
}

export function parent(taskId: string, condition: DependencyCondition = "SUCCEEDED"): Parent {
  return { taskId, name: "", condition };
}

export function failure(parts: Partial<TaskFailure> = {}): TaskFailure {
  return { kind: "ROLE_ERROR", message: "it broke", retryable: true, detail: "", ...parts };
}

export async function submitOne(store: QueueStore, task: NewTask): Promise<string> {
  const [outcome] = await store.submit([task]);
  if (outcome?.status !== "created") throw new Error(`not created: ${JSON.stringify(outcome)}`);
  return outcome.id;
}

/** An ask for one task of `queue`, by a worker without labels, unless `parts` say otherwise. */
export function ask(queue: string, parts: Partial<LeaseAsk> = {}): LeaseAsk {
  return { queue, workerId: "w1", labels: {}, max: 1, leaseMs: 60_000, ...parts };
}

export async function grantOf(
  store: QueueStore,
  queue: string,
  parts: Partial<LeaseAsk> = {},
): Promise<LeaseGrant> {
  return (await store.lease([ask(queue, parts)]))[0]!;
}

/** Leases up to `max` tasks of one queue. */
export async function lease(
  store: QueueStore,
  queue: string,
  parts: Partial<LeaseAsk> = {},
): Promise<readonly LeasedTask[]> {
  return (await grantOf(store, queue, parts)).tasks;
}

export async function leaseOne(store: QueueStore, queue: string, leaseMs = 60_000): Promise<LeasedTask> {
  const [task] = await lease(store, queue, { leaseMs });
  if (task === undefined) throw new Error(`nothing to lease in ${queue}`);
  return task;
}

export function term(task: TaskRecord): FencedTask {
  return { taskId: task.id, fence: task.fence };
}

export async function finish(
  store: QueueStore,
  task: FencedTask,
  result: FinishResult,
): Promise<FinishOutcome> {
  return (await store.finish([{ taskId: task.taskId, fence: task.fence, result }]))[0]!;
}

export const succeeded: FinishResult = { kind: "succeeded", output: bytes("done") };
export const failedForGood: FinishResult = { kind: "failed", failure: failure({ retryable: false }) };

/** Leases one task of `queue`, which must be `id`, and finishes it. */
export async function runOne(
  store: QueueStore,
  queue: string,
  id: string,
  result: FinishResult,
): Promise<void> {
  const task = await leaseOne(store, queue);
  if (task.id !== id) throw new Error(`leased ${task.id} where ${id} was expected`);
  const outcome = await finish(store, term(task), result);
  if (!outcome.accepted) throw new Error(`refused: ${JSON.stringify(outcome)}`);
}

export async function getOne(store: QueueStore, id: string): Promise<TaskRecord> {
  const [task] = await store.get([id]);
  if (task === undefined) throw new Error(`${id} is missing`);
  return task;
}

export async function stateOf(store: QueueStore, id: string): Promise<string> {
  return (await store.get([id]))[0]?.state ?? "MISSING";
}
