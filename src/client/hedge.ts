/**
 * Hedging: a read that takes long is asked for once more, of another replica most likely, and the first answer counts. It trades
 * a few more calls for a short tail; only what changes nothing may be hedged.
 */
import { MeshError } from "../core/errors.ts";

export interface HedgeOptions {
  /** How long an attempt may take before the next begins beside it; choose about the 95th percentile. */
  readonly delayMs: number;
  /** Attempts in all, the first included; default 2. */
  readonly attemptsMax?: number;
}

const attemptsMaxDefault = 2;

/**
 * The first answer of `attempt`; the others are aborted. Where all fail, the first failure. An attempt is told how much of the time
 * for all of them those before it have had.
 */
export async function hedged<Answer>(
  { delayMs, attemptsMax = attemptsMaxDefault }: HedgeOptions,
  attempt: (signal: AbortSignal, spentMs: number) => Promise<Answer>,
): Promise<Answer> {
  const losers = new AbortController();
  const attempts: Promise<Answer>[] = [];
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Answer>((resolve, reject) => {
      let failed = 0;
      let failure: unknown;
      const begin = () => {
        clearTimeout(timer);
        const running = attempt(losers.signal, attempts.length * delayMs);
        attempts.push(running);
        if (attempts.length < attemptsMax) timer = setTimeout(begin, delayMs);
        running.then(resolve, (error: unknown) => {
          failed++;
          failure ??= error;
          // Another replica would say the same.
          if (!isPassing(error)) reject(error);
          // One that has failed need not be waited for.
          else if (attempts.length < attemptsMax) begin();
          else if (failed === attempts.length) reject(failure);
        });
      };
      begin();
    });
  } finally {
    clearTimeout(timer);
    losers.abort();
  }
}

/** Whether another attempt may fare better: the replica was away, or took too long. */
function isPassing(error: unknown): boolean {
  return error instanceof MeshError && (error.code === "UNAVAILABLE" || error.code === "DEADLINE_EXCEEDED");
}
