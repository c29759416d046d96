/** Microseconds of the machine's monotonic timer, the same in all processes. */
export function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
