/** What a program says of a task that it submits, and the contract's words for it. */
import { TaskSpec } from "../../gen/grpc/agentmesh/v1/task.ts";
import type { Duration } from "../../gen/grpc/google/protobuf/duration.ts";
import { toPayload } from "../core/payload.ts";
import { msToDuration } from "../core/time.ts";
import type { Timeouts } from "../queue/task.ts";

/** How a task is to be done; everything is optional. Shapes and defaults are TaskSpec's, in the contract. */
export interface SubmitOptions {
  readonly idempotencyKey?: string;
  readonly tenant?: string;
  readonly priority?: number;
  readonly delayMs?: number;
  readonly title?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly attemptsMax?: number;
  /** Tasks with one key share the caps and rates a key of their queue's policy. */
  readonly concurrencyKey?: string;
  /** What a worker must have to be given it. */
  readonly workerLabels?: Readonly<Record<string, string>>;
  /** What is not named is the role's. */
  readonly timeouts?: Timeouts;
  /** The task that calls for this one. */
  readonly parentTaskId?: string;
  /** Parents: a bare id must succeed first. */
  readonly dependencies?: readonly (string | { taskId: string; name?: string; condition?: number })[];
}

export interface NewTaskRequest extends SubmitOptions {
  readonly role: string;
  readonly input?: unknown;
}

/** With every default that is the contract's. */
export function toSpec(task: NewTaskRequest): TaskSpec {
  const { role, input, delayMs, attemptsMax, dependencies, labels, workerLabels, timeouts, ...rest } = task;
  return TaskSpec.fromPartial({
    ...rest,
    role,
    input: toPayload(input),
    delay: spanOf(delayMs),
    timeouts: timeouts && {
      toStart: spanOf(timeouts.toStartMs),
      toFinish: spanOf(timeouts.toFinishMs),
      heartbeat: spanOf(timeouts.heartbeatMs),
    },
    workerLabels: { ...workerLabels },
    retry: attemptsMax === undefined ? undefined : { attemptsMax },
    labels: { ...labels },
    dependencies: dependencies?.map((parent) =>
      typeof parent === "string" ? { taskId: parent } : parent,
    ) as never,
  });
}

function spanOf(ms: number | undefined): Duration | undefined {
  return ms === undefined ? undefined : msToDuration(ms);
}
