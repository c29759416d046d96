import fc from "fast-check";
import { expect, test } from "vitest";
import { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import { TaskSpec } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { Lease } from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { toPayload } from "../../../src/core/payload.ts";
import { msToDate, msToDuration } from "../../../src/core/time.ts";
import { bytesOf, encodedLease } from "../../../src/queue/service/lease-frame.ts";
import type { LeasedTask } from "../../../src/queue/store.ts";

const ms = fc.integer({ min: 0, max: 4_000_000_000_000 });
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const payloads = fc.jsonValue().map((value) => toPayload(value));
const bytes = (payload: Payload | undefined) => payload && Payload.encode(payload).finish();

test("a lease that is framed around bytes is the one that its message would be", () => {
  fc.assert(
    fc.property(
      fc.record({
        id: fc.string().map((unique) => `role.${unique}`),
        fence: fc.maxSafeNat(),
        attempt: fc.nat(2 ** 31 - 1),
        role: fc.string(),
        labels: fc.dictionary(fc.string(), fc.string()),
        input: maybe(payloads),
        resumeState: maybe(payloads),
        leaseMs: ms,
        queuedMs: maybe(ms),
        toFinishMs: maybe(ms),
      }),
      ({ id, fence, attempt, role, labels, input, resumeState, leaseMs, queuedMs, toFinishMs }) => {
        const spec = TaskSpec.create({ role, labels });
        const lease: Lease = {
          term: { taskId: id, fence },
          attempt,
          spec,
          input,
          lease: msToDuration(leaseMs),
          queueTime: msToDate(queuedMs),
          deadline: toFinishMs === undefined ? undefined : msToDuration(toFinishMs),
          resumeState,
        };
        const task = { id, fence, attempt, leaseMs, queuedMs, timeouts: { toFinishMs } } as LeasedTask;
        const ready = {
          task,
          spec: TaskSpec.encode(spec).finish(),
          input: bytes(input),
          resumeState: bytes(resumeState),
        };
        const framed = encodedLease(ready);
        expect(Lease.decode(framed)).toEqual(Lease.decode(Lease.encode(lease).finish()));
        expect(framed.length).toBeLessThanOrEqual(bytesOf(ready) + id.length * 3);
      },
    ),
    { numRuns: 300 },
  );
});
