/** When leases are renewed and until when they are trusted. Pure. */

/** A third of the lease: two renewals may be lost before it ends. */
export function mustRenew(leaseMs: number): number {
  return Math.max(100, Math.floor(leaseMs / 3));
}

/**
 * How long after a renewal was *sent* its lease is trusted: the store counts from when it arrived, so this ends first. The
 * last tenth is left for the word to reach the handler.
 */
export function trustMs(leaseMs: number): number {
  return Math.floor(leaseMs * 0.9);
}
