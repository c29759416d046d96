/**
 * Runs one command to its end under limits: what the sandbox with walls and the one without have in common.
 * The command ends by itself, or the first of timeout, a limit and an abort ends it; then every process is killed and
 * the pipes are read to their end, so nothing is left and nothing is lost.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { fixedLimits, withDefaults } from "./limits.ts";
import { BoundedOutput } from "./output.ts";
import type { ProcessTree } from "./process-tree.ts";
import type { Containment, SandboxEnd, SandboxOptions, SandboxResult } from "./sandbox.ts";
import { watch } from "./watchdog.ts";

export interface Supervised {
  /** The argv. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly containment: Containment;
  /** Makes the tree of the started child. */
  readonly treeOf: (child: ChildProcess) => ProcessTree;
}

/**
 * The command behind a shell that sets what a process can only set for itself: no core files, first in line when the
 * machine runs out of memory, second in line for its processors where the kernel shares those out by session (so that the
 * mesh renews leases while a suite takes every core; best effort), and where given a bound on processes that the kernel
 * keeps. A command that is not found exits with 127, as in any shell.
 */
export function prepared(command: readonly string[], processesKernelMax?: number): string[] {
  const bound =
    processesKernelMax === undefined
      ? ""
      : `ulimit -u ${processesKernelMax} 2>/dev/null || ulimit -p ${processesKernelMax} 2>/dev/null; `;
  const script = `ulimit -c 0; { echo 1000 >/proc/self/oom_score_adj; echo 5 >/proc/self/autogroup; } 2>/dev/null; ${bound}exec "$@"`;
  return ["/bin/sh", "-c", script, "sh", ...command];
}

/** Runs to the end; rejects when the child cannot be spawned, or with what `onLine` threw. */
export async function supervise(spec: Supervised, options: SandboxOptions): Promise<SandboxResult> {
  const limits = withDefaults(options.limits);
  const begun = performance.now();
  let end: SandboxEnd | undefined;
  let listenerFault: { readonly error: unknown } | undefined;

  const child = spawn(spec.command[0]!, spec.command.slice(1), {
    cwd: spec.cwd,
    env: spec.env,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
  });
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const closed = once(child, "close");
  closed.catch(() => {});
  const tree = child.pid === undefined ? undefined : spec.treeOf(child);
  const stop = (why: SandboxEnd): void => {
    end ??= why;
    void tree?.kill();
  };

  const output = new BoundedOutput(limits.outputBytes, (line, stream) => {
    if (listenerFault) return;
    try {
      options.onLine?.(line, stream);
    } catch (error) {
      listenerFault = { error };
      stop("aborted");
    }
  });
  child.stdout!.on("data", (chunk: Buffer) => output.push("stdout", chunk));
  child.stderr!.on("data", (chunk: Buffer) => output.push("stderr", chunk));

  const onAbort = (): void => stop("aborted");
  options.signal?.addEventListener("abort", onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  const timer = setTimeout(() => stop("timeout"), limits.timeMs);
  const watchdog = tree && watch(tree, limits, stop);
  let status: { readonly code: number | null; readonly signal: NodeJS.Signals | null };
  try {
    const [code, signal] = await exited;
    status = { code, signal };
    if (code !== 0) end ??= tree?.limitHit?.();
  } finally {
    clearTimeout(timer);
    watchdog?.[Symbol.dispose]();
    options.signal?.removeEventListener("abort", onAbort);
  }
  await tree?.kill();
  await drained(child, closed);
  output.end();
  if (listenerFault) throw listenerFault.error;
  return {
    ...outcome(end, status),
    stdout: output.text("stdout"),
    stderr: output.text("stderr"),
    outputTruncated: output.truncated,
    durationMs: Math.round(performance.now() - begun),
    containment: spec.containment,
    limits,
  };
}

/** How a command ended. A shell and bubblewrap tell a signal as 128 and its number, so that is read as one. */
export function outcome(
  end: SandboxEnd | undefined,
  status: { readonly code: number | null; readonly signal: NodeJS.Signals | null },
): Pick<SandboxResult, "end" | "exitCode" | "signal"> {
  if (end) return { end, exitCode: undefined, signal: undefined };
  const signal = status.signal ?? signalOf(status.code ?? 0);
  if (signal) return { end: "signaled", exitCode: undefined, signal };
  return { end: "exited", exitCode: status.code ?? 0, signal: undefined };
}

function signalOf(code: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
}

/** Waits for the pipes' end; a process that left the tree with one of them open is not waited for longer than `reapMs`. */
async function drained(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  const giveUp = new AbortController();
  await Promise.race([
    closed,
    delay(fixedLimits.reapMs, undefined, { signal: giveUp.signal }).catch(() => {}),
  ]);
  giveUp.abort();
  for (const stream of child.stdio) (stream as Readable | null)?.destroy();
}
