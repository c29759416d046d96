/** Ctrl-C and SIGTERM for commands that have something to put in order before they end. */
const signals = ["SIGINT", "SIGTERM"] as const;

export interface Interrupts extends Disposable {
  /** Aborts at the first signal, with its name as the reason. */
  readonly signal: AbortSignal;
}

/** The first signal aborts; the second ends the process at once, as an impatient user means it. */
export function interrupts(atSecond: () => never): Interrupts {
  const abort = new AbortController();
  const take = (name: NodeJS.Signals) => {
    if (abort.signal.aborted) atSecond();
    abort.abort(name);
  };
  for (const name of signals) process.on(name, take);
  return {
    signal: abort.signal,
    [Symbol.dispose]() {
      for (const name of signals) process.off(name, take);
    },
  };
}
