/** Looks at a tree of processes at an interval and says when it is over a limit. */
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
  let timer: NodeJS.Timeout;
  const look = (): void => {
    const begun = performance.now();
    const end = overLimit(tree.usage(), limits);
    if (end) {
      onOver(end);
      return;
    }
    const tookMs = performance.now() - begun;
    timer = setTimeout(look, Math.max(fixedLimits.watchMs, tookMs * fixedLimits.watchRestFactor));
  };
  timer = setTimeout(look, fixedLimits.watchMs);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
