/**
 * The one place that reads the time of day. A clock is a parameter everywhere else, so tests choose the time.
 */
export interface Clock {
  /** Milliseconds since 1970. Never goes back while the process lives. */
  now(): number;
}

/**
 * The machine's wall time when the process began, carried on by the monotonic timer: a machine clock that is moved does
 * not move leases.
 */
export const systemClock: Clock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
};
