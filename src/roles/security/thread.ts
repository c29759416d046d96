/**
 * Runs a scan in a thread of its own. Parsers and regular expressions hold the event loop for as long as a hostile file
 * makes them; here they hold up no other task, no renewal of a lease, and an abort ends them wherever they are.
 */
import { Worker } from "node:worker_threads";
import { TerminalError } from "../../core/errors.ts";
import { limits } from "./limits.ts";
import type { SecurityReport } from "./report.ts";
import type { ScanListener, ScanOptions } from "./scan.ts";

/** What the thread tells. */
export type ThreadMessage =
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "progress"; readonly fraction: number; readonly message: string }
  | { readonly kind: "report"; readonly report: SecurityReport };

/** From source the entry is TypeScript, from a release JavaScript, as this file is. */
const entry = new URL(
  `./thread-entry${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`,
  import.meta.url,
);

export interface ScanTask extends ScanListener {
  readonly signal: AbortSignal;
}

/** Rejects with the signal's reason once that aborts. */
export async function scanInThread(options: ScanOptions, task: ScanTask): Promise<SecurityReport> {
  task.signal.throwIfAborted();
  const startedAt = performance.now();
  const worker = new Worker(entry, {
    workerData: options,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: limits.threadHeapMiB },
  });
  const { promise, resolve, reject } = Promise.withResolvers<SecurityReport>();
  const abort = () => reject(task.signal.reason);
  task.signal.addEventListener("abort", abort, { once: true });
  worker.on("message", (message: ThreadMessage) => {
    if (message.kind === "log") task.log(message.line);
    else if (message.kind === "progress") task.progress(message.fraction, message.message);
    else resolve(message.report);
  });
  worker.on("error", (error: Error & { code?: string }) => reject(explain(error)));
  worker.on("exit", () => reject(new Error("the scanning thread ended without a report")));
  try {
    const report = await promise;
    // Loading the scanners is part of the wait.
    return { ...report, durationMs: Math.round(performance.now() - startedAt) };
  } finally {
    task.signal.removeEventListener("abort", abort);
    await worker.terminate();
  }
}

function explain(error: Error & { code?: string }): Error {
  if (error.code !== "ERR_WORKER_OUT_OF_MEMORY") return error;
  const message = `the scan needs more than ${limits.threadHeapMiB} MiB of memory; leave files out with \`exclude\``;
  return new TerminalError("SCAN_TOO_LARGE", message, { cause: error });
}
