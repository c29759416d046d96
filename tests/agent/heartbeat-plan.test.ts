import * as fc from "fast-check";
import { expect, test } from "vitest";
import { mustRenew, trustMs } from "../../src/agent/heartbeat-plan.ts";
import { limits } from "../../src/core/limits.ts";

const lease = fc.integer({ min: limits.leaseMsMin, max: limits.leaseMsMax });

test("a lease is renewed twice while it is trusted, and trusted no longer than the store keeps it", () => {
  fc.assert(
    fc.property(lease, (leaseMs) => {
      expect(2 * mustRenew(leaseMs)).toBeLessThan(trustMs(leaseMs));
      // What is left of it is for the word to reach the handler.
      expect(trustMs(leaseMs)).toBeLessThanOrEqual(0.95 * leaseMs);
    }),
  );
});
