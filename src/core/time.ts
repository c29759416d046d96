/** Milliseconds, as the house counts, and the contract's Duration and Timestamp. */
import type { Duration } from "../../gen/grpc/google/protobuf/duration.ts";

export function durationToMs(duration: Duration): number {
  return duration.seconds * 1_000 + Math.round(duration.nanos / 1_000_000);
}

export function msToDuration(ms: number): Duration {
  const seconds = Math.trunc(ms / 1_000);
  return { seconds, nanos: Math.round((ms - seconds * 1_000) * 1_000_000) };
}

/** A Date for the wire, or undefined. */
export function msToDate(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}
