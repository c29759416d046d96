import type { Clock } from "../../core/clock.ts";

/** The store's clock: goes on from the newest time that the store has seen, so it never goes back, restarts included. */
export function storeClock(clock: Clock, newestMs: number): Clock {
  const behindMs = Math.max(0, newestMs - clock.now());
  let lastMs = newestMs;
  return {
    now() {
      lastMs = Math.max(lastMs, clock.now() + behindMs);
      return lastMs;
    },
  };
}
