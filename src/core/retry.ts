/** How calls are tried again where nobody says otherwise: what control planes put into routes, and clients without one into their channel. */
export const retryDefaults = Object.freeze({
  /** Tries in all, the first included. */
  attemptsMax: 3,
  backoffMs: 50,
  backoffMsMax: 500,
  /** The server is away, or is going: a call that did not begin is safe to try again, an idempotent one always. */
  on: ["unavailable"] as const,
});
