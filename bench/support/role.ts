/** The role whose tasks the benchmarks submit, and what stands in them. */
import { z } from "zod";
import { TaskSpec } from "../../gen/grpc/agentmesh/v1/task.ts";
import { defineRole, type Role } from "../../src/agent/role.ts";
import { toPayload } from "../../src/core/payload.ts";
import { nowMicros } from "./now.ts";

export const roleName = "bench";

/** `sentMicros`: when it was sent, or was to be sent, by {@link nowMicros}. */
export interface BenchInput {
  readonly sentMicros: number;
  readonly text: string;
}

export function benchRole(run: (input: BenchInput) => unknown, concurrency = 50): Role {
  return defineRole({
    name: roleName,
    summary: "Does nothing, for the benchmarks",
    input: z.object({ sentMicros: z.number(), text: z.string() }),
    output: z.unknown(),
    concurrency,
    run: async (input) => run(input),
  });
}

/** Some `bytes` of input in all. */
export function benchInput(bytes: number, sentMicros = nowMicros()): BenchInput {
  return { sentMicros, text: "x".repeat(Math.max(1, bytes - 40)) };
}

export function benchSpec(bytes: number, sentMicros?: number): TaskSpec {
  return TaskSpec.fromPartial({ role: roleName, input: toPayload(benchInput(bytes, sentMicros)) });
}
