/**
 * Looks at a tree of processes at an interval and says when it is over a limit. Between two looks it glances at the
 * machine's count of threads: where that leaps it stops the command and looks, since a fork bomb that goes on meanwhile
 * would leave nobody the time to look. A command that did nothing wrong goes on some milliseconds later.
 */
import { fixedLimits } from "./limits.ts";
import { overLimit } from "./proc.ts";
import { type ProcessTree, threadsOfMachine } from "./process-tree.ts";
import type { SandboxEnd, SandboxLimits } from "./sandbox.ts";

/** Starts looking; `onOver` is called once. Dispose of it to stop. */
export function watch(
  tree: ProcessTree,
  limits: SandboxLimits,
  onOver: (end: SandboxEnd) => void,
): Disposable {
  let next = { atMs: performance.now() + fixedLimits.watchMs, threads: leapFrom(threadsOfMachine(), limits) };
  const glance = (): void => {
    const begun = performance.now();
    const threads = threadsOfMachine();
    const leapt = threads >= next.threads;
    if (begun < next.atMs && !leapt) return;
    if (leapt) tree.pause();
    const end = overLimit(tree.usage(limits.processesMax), limits);
    if (end) {
      clearInterval(timer);
      onOver(end);
      return;
    }
    if (leapt) tree.resume();
    const now = performance.now();
    const rest = Math.max(fixedLimits.watchMs, (now - begun) * fixedLimits.watchRestFactor);
    next = { atMs: now + rest, threads: leapFrom(threads, limits) };
  };
  const timer = setInterval(glance, fixedLimits.glanceMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** The count of threads that is looked at without waiting: half a limit more than at the last look. */
function leapFrom(threads: number, limits: SandboxLimits): number {
  return threads + limits.processesMax / 2;
}
