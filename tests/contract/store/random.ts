/** Random histories: whatever is called, a store agrees with the model (I2–I5, I9–I11). */
import * as fc from "fast-check";
import { expect } from "vitest";
import { type TaskState, taskStates } from "../../../src/queue/task.ts";
import { uniqueQueue } from "../../support/tasks.ts";
import { commands } from "../commands.ts";
import { Model } from "../model.ts";
import { expectWholeLog, type Kit, type OpenStore, storeTest } from "./kit.ts";

const runsDefault = Number(process.env.AGENTMESH_TEST_RUNS ?? 100);

/** The moves of task.ts's picture. */
const moves: Readonly<Record<TaskState, readonly TaskState[]>> = {
  BLOCKED: ["SCHEDULED", "QUEUED", "FAILED", "CANCELED"],
  SCHEDULED: ["QUEUED", "CANCELED"],
  QUEUED: ["RUNNING", "FAILED", "CANCELED"],
  RUNNING: ["SUCCEEDED", "FAILED", "CANCELED", "SCHEDULED", "QUEUED", "BLOCKED"],
  INPUT_REQUIRED: ["QUEUED", "CANCELED"],
  SUCCEEDED: [],
  FAILED: ["QUEUED", "BLOCKED"],
  CANCELED: ["QUEUED", "BLOCKED"],
};

/** `runs`: histories that are made; default: 100, or AGENTMESH_TEST_RUNS. */
export function randomCases(open: OpenStore, runs = runsDefault): void {
  const test = storeTest(open);

  test(
    "any history of calls leaves what the rules say",
    async (kit) => {
      const handles = [kit.store, await kit.second()];
      await fc.assert(
        fc.asyncProperty(commands, async (calls) => {
          const model = new Model();
          const fresh = { ...kit, queue: uniqueQueue("a"), otherQueue: uniqueQueue("b") };
          await fc.asyncModelRun(() => ({ model, real: { kit: fresh, handles } }), calls);
          await expectAudit(model, fresh);
        }),
        { numRuns: runs, endOnFailure: false },
      );
    },
    {},
    60_000 + runs * 1_000,
  );
}

/** Each task is in one state and one index; counts are exact; logs are whole and have legal moves alone. */
async function expectAudit(model: Model, { store, faults, queue, otherQueue }: Kit): Promise<void> {
  const queues = [queue, otherQueue];
  expect(await faults?.(queues)).toEqual([]);
  const tasks = [...model.tasks.values()];
  for (const { queue: name, counts, deadLetter, arrived, ended } of await store.stats(queues)) {
    expect({ arrived, ended }).toEqual({
      arrived: model.arrived.get(name) ?? 0,
      ended: model.ended.get(name) ?? 0,
    });
    for (const state of taskStates) {
      const ids = tasks
        .filter((one) => one.task.queue === name && one.state === state)
        .map((one) => one.task.id);
      expect({ state, count: counts[state] }).toEqual({ state, count: ids.length });
      if (state === "FAILED") expect(deadLetter).toBe(ids.length);
      if (ids.length === 0) continue;
      const page = await store.list({ queues: [name], states: [state], limit: 500 });
      expect(page.tasks.map((task) => task.id).sort()).toEqual(ids.sort());
    }
  }
  for (const { task } of tasks) {
    await expectWholeLog(store, task.id);
    const page = await store.readLog({ taskId: task.id, from: 1, limit: 10_000 });
    const states = page!.entries.flatMap(({ change }) => change?.state ?? []);
    states.forEach((state, place) => {
      if (place > 0) expect(moves[states[place - 1]!]).toContain(state);
    });
  }
}
