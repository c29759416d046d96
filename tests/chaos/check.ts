/**
 * The checker: what the processes saw, against what the store has at the end. Pure; each verdict counts what must not be, and
 * a count other than 0 fails the run.
 */
import { isFinal, type TaskFailure, type TaskState } from "../../src/queue/task.ts";
import type { Evidence, KeyEvidence, TaskEvidence } from "./evidence.ts";
import type { WorkRole } from "./workload.ts";

/** A task as the store has it at the end, and what its log says of its way. */
export interface FinalTask {
  readonly id: string;
  readonly queue: string;
  readonly state: TaskState;
  readonly attempt: number;
  readonly attemptsMax: number;
  readonly fence: number;
  readonly parents: readonly string[];
  readonly error?: TaskFailure;
  readonly finishedMs?: number;
  /** Entries of its log by the state that they tell. */
  readonly entered: Readonly<Partial<Record<TaskState, number>>>;
  /** The highest attempt that its log tells. */
  readonly attemptTold: number;
  readonly firstRunMs?: number;
  /** Attempts that its log tells to have ended with their lease. */
  readonly leasesExpired: number;
}

export interface FinalQueue {
  readonly queue: string;
  readonly counts: Readonly<Record<TaskState, number>>;
  readonly deadLetter: number;
}

/** What is known of a key before the run: which task it stands for. */
export interface Expected {
  readonly taskId: string;
  readonly kind: WorkRole;
}

export interface Run {
  readonly evidence: Evidence;
  /** Every task that the store lists. */
  readonly tasks: readonly FinalTask[];
  readonly queues: readonly FinalQueue[];
  /** The ids that the store lists as dead letters. */
  readonly deadLetters: readonly string[];
  readonly expected: ReadonlyMap<string, Expected>;
  /** How a task of a kind may end, where nobody canceled it. */
  readonly endsAsPlanned: (kind: WorkRole, state: string, error: TaskFailure | undefined) => boolean;
}

export interface Verdict {
  readonly name: string;
  readonly count: number;
  /** The first of them. */
  readonly examples: readonly string[];
}

export const verdictNames = [
  "acknowledged tasks lost",
  "acknowledged ends lost",
  "tasks under two ids for one key",
  "submits without an outcome",
  "submits refused for good",
  "tasks that nobody submitted",
  "tasks completed twice",
  "tasks stuck",
  "fences that went back",
  "attempts over the maximum",
  "children before their parents",
  "ends that were not asked for",
  "dead letters not exactly once",
  "counts that are not so",
] as const;

export type VerdictName = (typeof verdictNames)[number];

const examplesMax = 5;

export function check(run: Run): Verdict[] {
  const found = new Map<VerdictName, string[]>(verdictNames.map((name) => [name, []]));
  const blame: Blame = (name, what) => found.get(name)?.push(what);
  const tasks = new Map(run.tasks.map((task) => [task.id, task]));
  for (const [key, evidence] of run.evidence.keys) checkKey(key, evidence, run, tasks, blame);
  for (const task of run.tasks) checkTask(task, run.evidence.tasks.get(task.id), tasks, blame);
  checkOwners(run, tasks, blame);
  checkQueues(run, blame);
  return [...found].map(([name, all]) => ({ name, count: all.length, examples: all.slice(0, examplesMax) }));
}

type Blame = (name: VerdictName, what: string) => void;

function checkKey(
  key: string,
  evidence: KeyEvidence,
  { expected }: Run,
  tasks: ReadonlyMap<string, FinalTask>,
  blame: Blame,
): void {
  const answered = evidence.created + evidence.existing;
  const [id = ""] = evidence.taskIds;
  if (evidence.taskIds.size > 1 || (answered > 0 && id !== expected.get(key)?.taskId))
    blame("tasks under two ids for one key", `${key}: ${[...evidence.taskIds].join(", ")}`);
  if (answered > 0 && !tasks.has(id)) blame("acknowledged tasks lost", `${key}: ${id} is not in the store`);
  // The first was acknowledged, and yet the second found nothing.
  else if (evidence.createdAgain > 0)
    blame("acknowledged tasks lost", `${key}: made ${evidence.createdAgain} times more after it was there`);
  if (answered > 0) return;
  if (evidence.refusals.size > 0)
    blame("submits refused for good", `${key}: ${[...evidence.refusals].join(", ")}`);
  else blame("submits without an outcome", key);
}

function checkTask(
  task: FinalTask,
  evidence: TaskEvidence | undefined,
  tasks: ReadonlyMap<string, FinalTask>,
  blame: Blame,
): void {
  const { id, state, fence, attempt, attemptsMax, entered, attemptTold } = task;
  const at = `${id} (${state}, fence ${fence}, attempt ${attempt} of ${attemptsMax})`;
  if (!isFinal(state)) blame("tasks stuck", at);
  const successes = evidence?.succeededBy ?? new Set();
  if (successes.size > 1 || (entered.SUCCEEDED ?? 0) > 1)
    blame("tasks completed twice", `${at}: accepted by fences ${[...successes].join(", ")}`);
  else if (successes.size === 1 && !(state === "SUCCEEDED" && successes.has(fence)))
    blame("acknowledged ends lost", `${at}: its success was accepted by fence ${[...successes][0]}`);
  if (evidence?.cancelTold && state !== "CANCELED")
    blame("acknowledged ends lost", `${at}: somebody was told that it is CANCELED`);
  const fences = evidence?.fences ?? [];
  const runs = entered.RUNNING ?? 0;
  const given = new Set(fences);
  if (given.size < fences.length || (evidence?.fencesBack ?? 0) > 0)
    blame("fences that went back", `${at}: given ${fences.join(", ")}`);
  else if (Math.max(0, runs, ...fences) > fence)
    blame("fences that went back", `${at}: leased ${runs} times, by fences ${fences.join(", ")}`);
  if (attempt > attemptsMax || attemptTold > attemptsMax) blame("attempts over the maximum", at);
  checkParents(task, tasks, blame);
}

function checkParents(task: FinalTask, tasks: ReadonlyMap<string, FinalTask>, blame: Blame): void {
  const parents = task.parents.map((id) => tasks.get(id));
  const isEarly = parents.some(
    (parent) =>
      parent?.state !== "SUCCEEDED" ||
      (task.firstRunMs !== undefined && task.firstRunMs < (parent.finishedMs ?? Number.POSITIVE_INFINITY)),
  );
  if (task.firstRunMs !== undefined && isEarly) blame("children before their parents", task.id);
  const blamesParents = task.error?.kind === "PARENT_FAILED";
  const noneFailed = parents.every((parent) => parent?.state === "SUCCEEDED");
  if (blamesParents && noneFailed)
    blame(
      "ends that were not asked for",
      `${task.id}: ${task.error?.message}, and all its parents are SUCCEEDED`,
    );
}

function checkOwners(run: Run, tasks: ReadonlyMap<string, FinalTask>, blame: Blame): void {
  const owned = new Set<string>();
  for (const [key, { taskId, kind }] of run.expected) {
    const task = tasks.get(taskId);
    if (task === undefined || !run.evidence.keys.has(key)) continue;
    owned.add(taskId);
    const { state, error } = task;
    if (!isFinal(state) || run.endsAsPlanned(kind, state, error)) continue;
    if (state === "CANCELED" && run.evidence.tasks.get(taskId)?.cancelTried) continue;
    blame("ends that were not asked for", `${taskId} (${kind}): ${state} ${error?.kind ?? ""}`);
  }
  for (const id of tasks.keys()) if (!owned.has(id)) blame("tasks that nobody submitted", id);
}

function checkQueues({ tasks, queues, deadLetters }: Run, blame: Blame): void {
  const failed = new Set(tasks.filter(({ state }) => state === "FAILED").map(({ id }) => id));
  for (const id of deadLetters)
    if (!failed.delete(id))
      blame("dead letters not exactly once", `${id} is listed twice, or has not failed`);
  for (const id of failed) blame("dead letters not exactly once", `${id} failed and is not listed`);
  for (const { queue, counts, deadLetter } of queues) {
    const own = tasks.filter((task) => task.queue === queue);
    const isSo = (state: TaskState, count: number) =>
      own.filter((task) => task.state === state).length === count;
    for (const [state, count] of Object.entries(counts))
      if (!isSo(state as TaskState, count))
        blame("counts that are not so", `${queue} says ${count} ${state}`);
    if (!isSo("FAILED", deadLetter))
      blame("counts that are not so", `${queue} says ${deadLetter} dead letters`);
  }
}
