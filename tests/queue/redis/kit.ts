import type { StoreLimits } from "../../../src/queue/store.ts";

export const limits: StoreLimits = {
  queueTasksMax: 1_000_000,
  logEntriesMax: 10_000,
  retentionMs: 3_600_000,
  retentionTasksMax: 1_000_000,
};
