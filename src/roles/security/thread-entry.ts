/** The scanning thread: scans what it is started with, tells how it goes, and ends. */
import { parentPort, workerData } from "node:worker_threads";
import { type ScanOptions, scan } from "./scan.ts";
import type { ThreadMessage } from "./thread.ts";

const post = (message: ThreadMessage) => parentPort!.postMessage(message);

const report = await scan(workerData as ScanOptions, {
  log: (line) => post({ kind: "log", line }),
  progress: (fraction, message) => post({ kind: "progress", fraction, message }),
});
post({ kind: "report", report });
