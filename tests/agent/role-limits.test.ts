import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineRole } from "../../src/agent/role.ts";
import { rolePolicies } from "../../src/agent/role-limits.ts";

const whole = { name: "one", summary: "for tests", input: z.unknown(), output: z.unknown(), run: () => null };
// biome-ignore lint/suspicious/noExplicitAny: what plain JavaScript may hand over
const define = (parts: any) => () => defineRole({ ...whole, ...parts });

test.each([
  [{ limits: { running: 0 } }, "limits.running is 0; it must be a whole number from 1 to 1000000"],
  [{ limits: { running: "3" } }, "limits.running is 3; it must be a whole number"],
  [{ limits: { runningPerKey: 1.5 } }, "limits.runningPerKey is 1.5; it must be a whole number"],
  [{ limits: { perSecond: 0 } }, "limits.perSecond is 0 tasks a second; it must be from 0.0001 to 1000000"],
  [{ limits: { perSecond: 2, burst: 0 } }, "limits.burst is 0; it must be a whole number"],
  [{ limits: { burst: 2 } }, "limits.burst needs limits.perSecond"],
  [{ limits: { perSecondPerKey: -1 } }, "limits.perSecondPerKey is -1"],
  [{ limits: { burstPerKey: 2 } }, "limits.burstPerKey needs limits.perSecondPerKey"],
  [
    { limits: { tenantWeights: { acme: 0 } } },
    'limits.tenantWeights gives "acme" 0; a weight must be from 0.01',
  ],
  [{ limits: { tenantWeights: { "": 1 } } }, 'limits.tenantWeights names "", which cannot be a tenant'],
  [{ limits: { runing: 1 } }, 'limits has no "runing"; it knows running, runningPerKey'],
  [{ timeouts: { toStartMs: 99 } }, "timeouts.toStartMs is 99; it must be a whole number from 100 to"],
  [{ timeouts: { toFinishMs: "1s" } }, "timeouts.toFinishMs is 1s"],
  [{ timeouts: { heartbeat: 1_000 } }, 'timeouts has no "heartbeat"; it knows toStartMs, toFinishMs'],
])("%j is refused by its field", (parts, says) => {
  expect(define(parts)).toThrow(TypeError);
  expect(define(parts)).toThrow(says);
});

describe("what the store is told", () => {
  const policy = (limits: object) => rolePolicies([define({ limits })()])[0]?.rolePolicy;

  test("is nothing where a role says nothing", () => {
    expect(rolePolicies([define({})()])).toEqual([{ queue: "one", rolePolicy: {} }]);
  });

  test("is each limit; a burst that is not said is a second's, and 1 at least", () => {
    expect(policy({ running: 3, runningPerKey: 1, tenantWeights: { a: 2 } })).toEqual({
      runningMax: 3,
      runningPerKeyMax: 1,
      tenantWeights: { a: 2 },
    });
    expect(policy({ perSecond: 2.5, perSecondPerKey: 0.1 })).toEqual({
      rate: { perSecond: 2.5, burst: 3 },
      ratePerKey: { perSecond: 0.1, burst: 1 },
    });
    expect(policy({ perSecond: 2, burst: 10 })).toEqual({ rate: { perSecond: 2, burst: 10 } });
  });
});
