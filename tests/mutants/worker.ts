/** Faults between the servers and their workers, on both sides. */
import type { Mutant } from "./mutant.ts";

export const workerMutants: readonly Mutant[] = [
  {
    name: "end-overtakes-the-log",
    why: "the last lines of a task are refused, since it has ended",
    edits: [
      {
        file: "src/queue/service/stream-reports.ts",
        from: "await this.#appends.get(finish.taskId);",
        to: "",
      },
    ],
    tests: ["tests/queue/service/worker-service.test.ts"],
  },
  {
    name: "expired-worker-is-given-more",
    why: "a worker that let a lease run out, dead or frozen, is given the task again",
    edits: [{ file: "src/queue/service/work-session.ts", from: "this.#session?.pause();", to: "" }],
    tests: ["tests/queue/service/worker-service.test.ts"],
  },
  {
    name: "unsent-leases-are-kept",
    why: "what was leased to a stream that broke waits until its lease ends, and an attempt is lost",
    edits: [
      {
        file: "src/queue/service/work-session.ts",
        from: "if (terms.length > 0) await this.#options.queue.giveBack(terms, reason);",
        to: "",
      },
    ],
    tests: ["tests/queue/service/unsent-leases.test.ts"],
  },
  {
    name: "lost-ends-are-not-sent-again",
    why: "a task that was done while its server was away is done again",
    edits: [{ file: "src/agent/worker.ts", from: "this.#unanswered.sendAll();", to: "" }],
    tests: ["tests/agent/worker.test.ts"],
  },
  {
    name: "refused-ends-are-not-sent-again",
    why: "a task whose end the store could not take holds its slot until the stream breaks",
    edits: [
      {
        file: "src/agent/worker.ts",
        from: "setTimeout(() => this.#unanswered.resend(task), resendMs).unref();",
        to: "",
      },
    ],
    tests: ["tests/agent/outage.test.ts"],
  },
  {
    name: "lease-is-trusted-too-long",
    why: "a handler works on while another has its task already",
    edits: [{ file: "src/agent/heartbeat-plan.ts", from: "Math.floor(leaseMs * 0.9)", to: "leaseMs * 20" }],
    tests: ["tests/agent/heartbeat-plan.test.ts"],
  },
  {
    name: "revocations-are-not-heard",
    why: "a canceled handler works on",
    edits: [
      {
        file: "src/agent/worker.ts",
        from: 'for (const { term, reason } of response.revoked) this.#lose(term, reason, reason === "CANCELED");',
        to: "",
      },
    ],
    tests: ["tests/agent/worker.test.ts"],
  },
  {
    name: "leases-are-not-renewed",
    why: "every task that takes longer than its lease is done twice",
    edits: [{ file: "src/agent/heartbeat-thread.ts", from: "this.#stream.push({ renew });", to: "" }],
    tests: ["tests/agent/processes.test.ts"],
  },
];
