/** The roles that work under faults: quick ones, slow ones, some that fail and are retried, children of others. */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { defineRole, type RoleDefinition } from "../../src/agent/role.ts";
import { RetryableError } from "../../src/core/errors.ts";
import { doomedKind, roleNames, type WorkRole } from "./workload.ts";

const input = z.object({ ms: z.number() });
type Input = z.infer<typeof input>;

/** Short, so that a worker that is held past it has lost its tasks within a run. */
const leaseSeconds = 2;

const role = (
  name: keyof typeof roleNames,
  concurrency: number,
  run: RoleDefinition<Input, unknown>["run"],
) =>
  defineRole({
    name: roleNames[name],
    summary: "works while faults are made",
    input,
    output: z.unknown(),
    concurrency,
    lease: { seconds: leaseSeconds },
    retry: { backoffMs: 20, backoffMaxMs: 200 },
    run,
  });

const handlers = {
  quick: role("quick", 64, (_, task) => ({ attempt: task.attempt })),
  slow: role("slow", 8, async ({ ms }, task) => {
    task.log("begun");
    await pause(ms, undefined, { signal: task.signal });
    return { attempt: task.attempt };
  }),
  flaky: role("flaky", 16, (_, task) => {
    if (task.attempt % 2 === 1) throw new RetryableError("FLAKY", `attempt ${task.attempt} fails`);
    return { attempt: task.attempt };
  }),
  doomed: role("doomed", 16, () => {
    throw new RetryableError(doomedKind, "no attempt of it can succeed");
  }),
  join: role("join", 32, () => "joined"),
} satisfies Record<WorkRole, unknown>;

export const workRoles = Object.values(handlers);

export default [...workRoles, role("idle", 1, () => null)];
