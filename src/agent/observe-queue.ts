/** The queue's events as metrics. */

import type { Clock } from "../core/clock.ts";
import { queueOf } from "../core/ids.ts";
import type { QueueObserver } from "../queue/observer.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** Leases whose beginning is remembered; of what ends elsewhere the oldest are forgotten first. */
const leasesMax = 100_000;

export function observeQueue(metrics: Metrics, clock: Clock): QueueObserver {
  const leasedMs = new Map<string, number>();
  return {
    submitted: (queue, tasks) => metrics.tasksSubmitted(queue, tasks),
    leased(tasks, nowMs) {
      for (const { id, queue, queuedMs } of tasks) {
        leasedMs.set(id, nowMs);
        if (leasedMs.size > leasesMax) leasedMs.delete(leasedMs.keys().next().value ?? "");
        metrics.taskLeased(queue, Math.max(0, nowMs - (queuedMs ?? nowMs)) / 1_000);
      }
    },
    finished(taskId, state) {
      const began = leasedMs.get(taskId);
      leasedMs.delete(taskId);
      const nowMs = clock.now();
      metrics.taskFinished(queueOf(taskId) ?? "", state, (nowMs - (began ?? nowMs)) / 1_000);
    },
    swept(report) {
      if (report.expired > 0) metrics.leasesExpired(report.expired);
    },
    storeCalled: (method, items, seconds) => metrics.storeCalled(method, items, seconds),
  };
}
