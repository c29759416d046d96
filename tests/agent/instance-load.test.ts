import { expect, test } from "vitest";
import { loadMeter } from "../../src/agent/instance-load.ts";

test("an instance's load is its worker's tasks, and its process's processor and memory since the heartbeat before", () => {
  const now = { ms: 0, micros: 5_000 };
  const meter = loadMeter({ cpuMicros: () => now.micros, nowMs: () => now.ms, memoryBytes: () => 42 });
  expect(meter(undefined)).toEqual({ tasksRunning: 0, slots: 0, cpuUtilization: 0, memoryBytes: 42 });
  now.ms += 2_000;
  now.micros += 3_000_000;
  const worker = { tasksRunning: 3, slots: 8 };
  expect(meter(worker)).toEqual({ ...worker, cpuUtilization: 1.5, memoryBytes: 42 });
  // The next role's heartbeat a moment later: the same process.
  now.ms += 1;
  expect(meter(undefined).cpuUtilization).toBe(1.5);
  now.ms += 999;
  expect(meter(undefined).cpuUtilization).toBe(0);
});
