/** Faults of the control plane, and of the client that follows it. */
import type { Mutant } from "./mutant.ts";

export const discoveryMutants: readonly Mutant[] = [
  {
    name: "fail-over-that-is-off-is-on",
    why: "data leaves the zone that it must not leave",
    edits: [
      {
        file: "src/discovery/build/assignment.ts",
        from: "preference.failOver || distance === 0",
        to: "preference.failOver || distance >= 0",
      },
    ],
    tests: ["tests/discovery/build.test.ts"],
  },
  {
    name: "draining-replicas-have-weight",
    why: "the replicas beside those that drain get their calls too",
    edits: [
      {
        file: "src/discovery/build/assignment.ts",
        from: 'members.filter(({ health }) => health === "HEALTHY").length',
        to: "members.length",
      },
    ],
    tests: ["tests/discovery/build.test.ts"],
  },
  {
    name: "refusal-is-taken-for-an-answer",
    why: "a client that refused what it was sent is told to be up to date",
    edits: [
      {
        file: "src/discovery/ads/subscription.ts",
        from: 'this.#state = "REFUSED";',
        to: 'this.#state = "ACKNOWLEDGED";',
      },
    ],
    tests: ["tests/discovery/ads/subscription.test.ts"],
  },
  {
    name: "old-answers-count",
    why: "an answer to an older response moves a subscription back",
    edits: [
      {
        file: "src/discovery/ads/subscription.ts",
        from: "if (nonce !== this.#nonce) return false;",
        to: "",
      },
    ],
    tests: ["tests/discovery/ads/subscription.test.ts"],
  },
  {
    name: "submits-are-tried-again",
    why: "a submit without an idempotency key makes two tasks",
    edits: [
      {
        file: "src/discovery/build/route.ts",
        from: "if (retried && retries(calls)) action.retry_policy",
        to: "if (retries(calls)) action.retry_policy",
      },
    ],
    tests: ["tests/discovery/build.test.ts"],
  },
  {
    name: "gone-version-is-watched-again",
    why: "a watch whose version is too old fails for ever",
    edits: [
      {
        file: "src/discovery/sources/kubernetes/list-watch.ts",
        from: 'followed.version = "";\n      if',
        to: "if",
      },
    ],
    tests: ["tests/discovery/sources/kubernetes.test.ts"],
  },
  {
    name: "busy-replicas-are-not-avoided",
    why: "least request is chance alone, and a slow replica gets its full share",
    edits: [
      {
        file: "src/client/xds/choose.ts",
        from: "chosen === undefined || replica.inFlight < chosen.inFlight",
        to: "chosen === undefined",
      },
    ],
    tests: ["tests/client/xds/client.test.ts"],
  },
  {
    name: "retries-without-a-budget",
    why: "replicas in trouble are given several times the load",
    edits: [{ file: "src/client/retry-budget.ts", from: "if (this.#saved < 1) return false;", to: "" }],
    tests: ["tests/client/hedge.test.ts"],
  },
  {
    name: "refusals-are-hedged",
    why: "what is wrong is asked for twice",
    edits: [
      {
        file: "src/client/hedge.ts",
        from: "if (!isPassing(error)) reject(error);",
        to: "if (false) reject(error);",
      },
    ],
    tests: ["tests/client/hedge.test.ts"],
  },
];
