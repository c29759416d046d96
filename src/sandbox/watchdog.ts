/**
 * Looks at a tree of processes at an interval and says when it is over a limit: the second line behind the kernel's own
 * bounds, which know less of memory, and the only one where the machine has none.
 */
import { fixedLimits } from "./limits.ts";
import { overLimit } from "./proc.ts";
import type { ProcessTree } from "./process-tree.ts";
import type { SandboxEnd, SandboxLimits } from "./sandbox.ts";

/** Starts looking; `onOver` is called once. Dispose of it to stop. */
export function watch(
  tree: ProcessTree,
  limits: SandboxLimits,
  onOver: (end: SandboxEnd) => void,
): Disposable {
  const look = (): void => {
    const begun = performance.now();
    const end = overLimit(tree.usage(limits.processesMax), limits);
    const tookMs = performance.now() - begun;
    if (end) onOver(end);
    else timer = setTimeout(look, Math.max(fixedLimits.watchMs, tookMs * fixedLimits.watchRestFactor));
  };
  let timer = setTimeout(look, fixedLimits.watchMs);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
