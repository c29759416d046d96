/** Faults of the rules of states, and of what stands between the store and its callers. */
import type { Mutant } from "./mutant.ts";

export const queueMutants: readonly Mutant[] = [
  {
    name: "one-attempt-too-many",
    why: "a task is tried once more than its policy allows",
    edits: [
      {
        file: "src/queue/task.ts",
        from: "if (attempt >= policy.attemptsMax)",
        to: "if (attempt > policy.attemptsMax)",
      },
    ],
    tests: ["tests/queue/task.test.ts"],
  },
  {
    name: "failed-parent-frees-its-child",
    why: "a child runs on the output of a parent that has none",
    edits: [
      {
        file: "src/queue/task.ts",
        from: 'parent === "SUCCEEDED" ? "met" : "failed"',
        to: 'parent !== "MISSING" ? "met" : "failed"',
      },
    ],
    tests: ["tests/queue/task.test.ts"],
  },
  {
    name: "repeat-of-another-lease",
    why: "a worker whose lease was lost is told that its end was accepted, since another's was",
    edits: [
      {
        file: "src/queue/task.ts",
        from: "if (status.fence !== fence) return false;",
        to: "",
      },
    ],
    tests: ["tests/queue/task.test.ts", "tests/queue/sqlite/contract.test.ts"],
  },
  {
    name: "group-commit-answers-out-of-order",
    why: "callers get each other's answers",
    edits: [
      {
        file: "src/queue/group-commit.ts",
        from: "at += items.length;",
        to: "",
      },
    ],
    tests: ["tests/queue/group-commit.test.ts"],
  },
  {
    name: "nobody-tells-what-is-ready",
    why: "neither a signal nor the sweep wakes who waits for work: a task waits for the next one to ask",
    edits: [
      {
        file: "src/queue/queue.ts",
        from: "if (signal.ready) {\n      this.dispatcher.wake(signal.queue);",
        to: "if (signal.ready) {",
      },
      { file: "src/queue/queue.ts", from: "this.dispatcher.wakeAll();", to: "" },
    ],
    tests: ["tests/queue/service/worker-service.test.ts"],
  },
  {
    name: "credit-is-not-spent",
    why: "a worker is given more tasks than it has slots",
    edits: [{ file: "src/queue/dispatcher.ts", from: "this.#count(-tasks.length, tasks.length);", to: "" }],
    tests: ["tests/queue/dispatcher.test.ts"],
  },
  {
    name: "orphaned-leases-are-kept",
    why: "what was leased for a worker that has gone waits until its lease ends, and an attempt is lost",
    edits: [
      {
        file: "src/queue/dispatcher.ts",
        from: "if (orphans.length > 0) await this.#options.giveBack(orphans);",
        to: "",
      },
    ],
    tests: ["tests/queue/dispatcher.test.ts"],
  },
  {
    name: "blocked-server-sweeps-at-once",
    why: "a server that was blocked takes leases back whose renewals lie unread in its sockets",
    edits: [
      {
        file: "src/queue/sweeper.ts",
        from: "if (this.#catchingUp) this.#plan(pauseMsMax);",
        to: "if (this.#catchingUp) this.#plan(0);",
      },
    ],
    tests: ["tests/queue/sweeper.test.ts"],
  },
  {
    name: "tenants-share-keys",
    why: "one tenant's submit answers with another's task",
    edits: [
      {
        file: "src/core/ids.ts",
        from: 'derivedId("key", queue, tenant, key)',
        to: 'derivedId("key", queue, key)',
      },
    ],
    tests: ["tests/queue/service/submission.test.ts", "tests/queue/service/task-service.test.ts"],
  },
];
