/** Whether a role has work, told as it changes. */

/** Tells of queues that may have work now; the answer ends it. */
export type Activity = (listener: (queue: string) => void) => () => void;

export interface FollowOptions {
  readonly role: string;
  /** Rejects while it cannot be known. */
  readonly isActive: () => Promise<boolean>;
  readonly activity: Activity;
  readonly signal: AbortSignal;
  /** Between two looks without a hint: work that is over gives none, nor does work that falls due soon. */
  readonly lookMs?: number;
}

const lookMsDefault = 1_000;

/**
 * At once, and at each change. Rejects where it cannot be known at first; later it says nothing as long as that lasts, since what
 * is not known is no change.
 */
export async function* followActivity(options: FollowOptions): AsyncGenerator<boolean> {
  const { role, isActive, activity, signal, lookMs = lookMsDefault } = options;
  let hinted = Promise.withResolvers<void>();
  const hint = () => hinted.resolve();
  let told: boolean | undefined;
  // Where there is work already, more of it is no news; the timer finds its end.
  const stop = activity((queue) => {
    if (queue === role && told !== true) hint();
  });
  const timer = setInterval(hint, lookMs);
  signal.addEventListener("abort", hint, { once: true });
  try {
    told = await isActive();
    yield told;
    for (;;) {
      await hinted.promise;
      if (signal.aborted) return;
      // Before the look: what is hinted while it is under way it may not have seen.
      hinted = Promise.withResolvers();
      const now: boolean = await isActive().catch(() => told === true);
      if (now === told) continue;
      told = now;
      yield now;
    }
  } finally {
    stop();
    clearInterval(timer);
    signal.removeEventListener("abort", hint);
  }
}
