/** What the queue tells of itself; telemetry turns it into metrics. */
import type { LeasedTask, SweepReport } from "./store.ts";
import type { TaskState } from "./task.ts";

export interface QueueObserver {
  submitted(queue: string, tasks: number): void;
  leased(tasks: readonly LeasedTask[], nowMs: number): void;
  /** An attempt's end was accepted; `state` is the task's state afterwards. */
  finished(taskId: string, state: TaskState): void;
  swept(report: SweepReport): void;
  storeCalled(method: string, items: number, seconds: number): void;
}

export const silentObserver: QueueObserver = {
  submitted() {},
  leased() {},
  finished() {},
  swept() {},
  storeCalled() {},
};
