/** A part's own side: its options, and the answers that it gives to the benchmark which started it. */
import { argv, exit } from "node:process";

/** The options that {@link Part.start} was given. */
export function partOptions<Options>(): Options {
  return JSON.parse(argv[2] ?? "{}") as Options;
}

type Question = { readonly id: number; readonly method: string; readonly argument: unknown };
type Method = (argument: never) => unknown;

/** Answers from now on; when the benchmark hangs up, closes and ends the process. */
export function servePart(methods: Readonly<Record<string, Method>>, close: () => unknown): void {
  const all: Readonly<Record<string, Method>> = { usage, ...methods };
  process.on("message", async ({ id, method, argument }: Question) => {
    try {
      const answer = await all[method]?.(argument as never);
      if (process.connected) process.send?.({ id, answer });
    } catch (error) {
      if (process.connected) process.send?.({ id, error: (error as Error).stack });
    }
  });
  process.on("disconnect", async () => {
    await close();
    exit(0);
  });
}

function usage(isCollected?: boolean) {
  if (isCollected) for (let times = 0; times < 3; times++) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { cpuMicros: user + system, rssBytes: rss, heapBytes: heapUsed };
}
