/**
 * What is submitted: a task for each number of a submitter, always the same for the same number, so that a submitter which was
 * killed goes on where it was and repeats what it does not know the outcome of.
 */
import { createHash } from "node:crypto";
import type { NewTaskRequest } from "../../src/client/submission.ts";
import { keyedTaskId } from "../../src/core/ids.ts";
import { tenantDefault } from "../../src/queue/service/submission.ts";
import type { TaskFailure } from "../../src/queue/task.ts";

/** Attempts of a task that is to succeed: more than the faults of a run take from one. */
export const attemptsMax = 50;
export const doomedAttemptsMax = 3;
export const doomedKind = "DOOMED";

export const roleNames = {
  quick: "chaos-quick",
  slow: "chaos-slow",
  flaky: "chaos-flaky",
  doomed: "chaos-doomed",
  join: "chaos-join",
  /** Nobody submits to it: servers serve it, and leave the work to the workers whose history is kept. */
  idle: "chaos-idle",
} as const;

export type WorkRole = Exclude<keyof typeof roleNames, "idle">;

/** Parts of a thousand; the rest is quick. */
const shares: readonly (readonly [WorkRole, number])[] = [
  ["slow", 10],
  ["flaky", 60],
  ["doomed", 30],
  ["join", 150],
];

export interface PlannedTask extends NewTaskRequest {
  readonly key: string;
  readonly taskId: string;
  readonly kind: WorkRole;
  readonly parents: readonly string[];
}

export function keyOf(submitter: string, number: number): string {
  return `${submitter}-${number}`;
}

/** Numbers of one batch; a task's parents are of its own batch and of those before. */
export function plannedBatch(submitter: string, from: number, count: number): PlannedTask[] {
  const batch: PlannedTask[] = [];
  for (let number = from; number < from + count; number++) batch.push(planned(submitter, number, batch));
  return batch;
}

function planned(submitter: string, number: number, before: readonly PlannedTask[]): PlannedTask {
  const key = keyOf(submitter, number);
  const dice = createHash("sha256").update(key).digest();
  const kind = kindOf(dice.readUInt16BE(0) % 1_000, before.length);
  const role = roleNames[kind];
  const parents = kind === "join" ? parentsOf(dice, before) : [];
  return {
    key,
    taskId: keyedTaskId(role, tenantDefault, key),
    kind,
    parents,
    role,
    input: { ms: kind === "slow" ? 500 + (dice.readUInt16BE(2) % 2_000) : 0 },
    idempotencyKey: key,
    attemptsMax: kind === "doomed" ? doomedAttemptsMax : attemptsMax,
    dependencies: parents.map((taskId) => ({ taskId })),
  };
}

function kindOf(lot: number, place: number): WorkRole {
  let rest = lot;
  for (const [kind, share] of shares) {
    if (rest < share) return kind === "join" && place === 0 ? "quick" : kind;
    rest -= share;
  }
  return "quick";
}

/** One to three tasks of the same batch, joins among them: chains and diamonds come of it. */
function parentsOf(dice: Buffer, before: readonly PlannedTask[]): string[] {
  const count = 1 + (dice.readUInt8(4) % 3);
  const places = Array.from(
    { length: count },
    (_, nth) => dice.readUInt16BE(6 + 2 * nth) % Math.min(before.length, 20),
  );
  return [...new Set(places)].map((place) => (before[before.length - 1 - place] as PlannedTask).taskId);
}

/** What a task of a kind may end as, besides CANCELED where somebody canceled it. */
export function endsAsPlanned(kind: WorkRole, state: string, error: TaskFailure | undefined): boolean {
  if (kind === "doomed")
    return state === "FAILED" && (error?.kind === doomedKind || error?.kind === "LEASE_EXPIRED");
  if (kind === "join" && error?.kind === "PARENT_FAILED") return state === "FAILED";
  return state === "SUCCEEDED";
}
