/** Faults of the embedded store. */
import type { Mutant } from "./mutant.ts";

const contract = ["tests/queue/sqlite/contract.test.ts"];
const src = "src/queue/sqlite";

export const sqliteMutants: readonly Mutant[] = [
  {
    name: "sqlite-finish-without-fence",
    why: "a worker that lost its lease ends the task of the one that has it now",
    edits: [
      {
        file: `${src}/finish.ts`,
        from: "if (!holdsLease(row, fence)) {",
        to: 'if (row.state !== "RUNNING") {',
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-renew-without-fence",
    why: "a worker that lost its lease keeps another's alive, and trusts its own",
    edits: [
      {
        file: `${src}/lease.ts`,
        from: "if (!holdsLease(row, fence) || expiryOf(attempt, tx.nowMs) !== leaseExpired)",
        to: 'if (row.state !== "RUNNING" || expiryOf(attempt, tx.nowMs) !== leaseExpired)',
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-append-without-fence",
    why: "a worker that lost its lease writes into the log of another's attempt",
    edits: [
      {
        file: `${src}/log.ts`,
        from: "if (!holdsLease(row, one.fence))",
        to: 'if (row.state !== "RUNNING")',
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-submit-without-dedupe",
    why: "a submit that is repeated since its answer was lost is no repeat",
    edits: [{ file: `${src}/submit.ts`, from: "if (known !== undefined)", to: "if (known === null)" }],
    tests: contract,
  },
  {
    name: "sqlite-submit-takes-any-request",
    why: "another request under a taken key is told that it was taken in, and never runs",
    edits: [
      { file: `${src}/submit.ts`, from: "return known.fingerprint === task.fingerprint", to: "return true" },
    ],
    tests: contract,
  },
  {
    name: "sqlite-answers-before-commit",
    why: "what the disk has no room for was acknowledged",
    edits: [
      {
        file: `${src}/commit.ts`,
        from: "return () => job.resolve(value);",
        to: "job.resolve(value);\n      return () => {};",
      },
    ],
    tests: ["tests/queue/sqlite/process.test.ts"],
  },
  {
    name: "sqlite-failed-call-keeps-its-half",
    why: "a call that failed half way leaves what it did until then",
    edits: [{ file: `${src}/commit.ts`, from: '"ROLLBACK TO job; RELEASE job"', to: '"RELEASE job"' }],
    tests: ["tests/queue/sqlite/store.test.ts"],
  },
  {
    name: "sqlite-attempts-not-counted",
    why: "a task that ends its workers is tried for ever",
    edits: [{ file: `${src}/ready.ts`, from: "attempt: row.attempt + 1,", to: "attempt: row.attempt," }],
    tests: contract,
  },
  {
    name: "sqlite-fence-stays",
    why: "two leases of one task cannot be told apart",
    edits: [{ file: `${src}/ready.ts`, from: "fence: row.fence + 1,", to: "fence: row.fence || 1," }],
    tests: contract,
  },
  {
    name: "sqlite-expired-leases-stay",
    why: "the tasks of a worker that died are never done",
    edits: [
      {
        file: `${src}/sweep.ts`,
        from: '"expiredTasks", { now: tx.nowMs, limit }',
        to: '"expiredTasks", { now: 0, limit }',
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-due-tasks-stay",
    why: "what waits for a time, a retry's backoff included, waits for ever",
    edits: [
      {
        file: `${src}/sweep.ts`,
        from: '"dueTasks", { now: tx.nowMs, limit }',
        to: '"dueTasks", { now: 0, limit }',
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-released-attempts-count",
    why: "a task that is given back often enough, by workers that are replaced, fails",
    edits: [
      {
        file: `${src}/finish.ts`,
        from: "putBack(tx, row, { attempt: row.attempt - 1 }, reason)",
        to: "putBack(tx, row, {}, reason)",
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-cancel-keeps-the-fence",
    why: "the worker of a canceled task holds the lease of what comes after a retry",
    edits: [{ file: `${src}/cancel.ts`, from: "{ fence: row.fence + 1 }", to: "{}" }],
    tests: contract,
  },
  {
    name: "sqlite-retry-keeps-the-generation",
    why: "a retry by hand cannot be told from another attempt",
    edits: [
      {
        file: `${src}/cancel.ts`,
        from: "const generation = row.generation + 1;",
        to: "const generation = row.generation;",
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-dead-letters-counted-twice",
    why: "an alarm on dead letters tells twice what is there",
    edits: [{ file: `${src}/queues.ts`, from: "deadLetter: row.FAILED,", to: "deadLetter: row.FAILED * 2," }],
    tests: contract,
  },
  {
    name: "sqlite-parents-ignored",
    why: "a child runs before what it needs is there",
    edits: [
      {
        file: `${src}/submit.ts`,
        from: "const waits = wait.pending > 0 || wait.failedBy !== undefined;",
        to: "const waits = wait.failedBy !== undefined;",
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-children-not-told",
    why: "a child waits for ever for a parent that has ended",
    edits: [{ file: `${src}/transition.ts`, from: "tx.ended.push({ id: from.id, state });", to: "" }],
    tests: contract,
  },
  {
    name: "sqlite-deleted-fences-forgotten",
    why: "who holds a lease of a deleted task holds one of the next task of its key",
    edits: [
      { file: `${src}/retention.ts`, from: "tx.queues.raiseFenceFloor(row.queue, row.fence);", to: "" },
    ],
    tests: contract,
  },
  {
    name: "sqlite-plain-finish-without-fence",
    why: "a worker ends a task of a chunk by a fence that it never had",
    edits: [
      {
        file: `${src}/finish.ts`,
        from: "!holdsLease(statusOf(seat), fence)",
        to: 'statusOf(seat).state !== "RUNNING"',
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-plain-fence-stays",
    why: "two leases of one task cannot be told apart when the first was a chunk's",
    edits: [
      {
        file: `${src}/chunk.ts`,
        from: "this.facts.fence : this.facts.fence + 1;",
        to: "this.facts.fence : this.facts.fence;",
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-expired-plain-leases-stay",
    why: "the tasks of a worker that died are never done where they came in a chunk",
    edits: [
      {
        file: `${src}/sweep.ts`,
        from: '"expiredChunks", { now: tx.nowMs,',
        to: '"expiredChunks", { now: 0,',
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-parents-stay-in-chunks",
    why: "a child waits for ever for a parent that ended in its chunk, where nobody tells it",
    edits: [
      {
        file: `${src}/dependencies.ts`,
        from: "if (open && parent !== undefined) own(tx, parent);",
        to: "",
      },
    ],
    tests: contract,
  },
  {
    name: "sqlite-moved-tasks-stay-in-chunks",
    why: "a task that got a row of its own is leased from its chunk too",
    edits: [{ file: `${src}/move-out.ts`, from: "seat.chunk.vacate(seat.slot);", to: "" }],
    tests: contract,
  },
  {
    name: "sqlite-chunks-before-rows",
    why: "what came first in its lane, and has a row of its own, waits until the lane's chunks are used up",
    edits: [{ file: `${src}/ready.ts`, from: "chunk.nextPlace() < rowPlace", to: "rowPlace > 0" }],
    tests: contract,
  },
  {
    name: "sqlite-lane-left-open-in-a-draft",
    why: "a task that came after others of its lane in one call is leased before them",
    edits: [{ file: `${src}/submit.ts`, from: "intake.closeLane(task);", to: "" }],
    tests: contract,
  },
  {
    name: "sqlite-plain-outputs-lost",
    why: "what a task of a chunk gave is not there",
    edits: [
      { file: `${src}/chunk.ts`, from: "if (output.length > 0) this.#outputs.set(slot, output);", to: "" },
    ],
    tests: contract,
  },
  {
    name: "sqlite-list-by-chunks",
    why: "a page of a listing passes over tasks that came with others in one call",
    edits: [
      {
        file: `${src}/list-plain.ts`,
        from: ".seq > firstSeq + chunkSpanMax",
        to: ".seq > firstSeq",
      },
    ],
    tests: ["tests/queue/sqlite/store.test.ts"],
  },
  {
    name: "sqlite-clock-goes-back",
    why: "a machine whose clock is set back keeps leases and delays waiting",
    edits: [
      {
        file: `${src}/clock.ts`,
        from: "lastMs = Math.max(lastMs, clock.now() + behindMs);",
        to: "lastMs = clock.now();",
      },
    ],
    tests: ["tests/queue/sqlite/store.test.ts"],
  },
];
