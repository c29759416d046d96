/** Faults of the decision of scale, of the arithmetic around it, and of what it is told by. */
import type { Mutant } from "./mutant.ts";

export const scalingMutants: readonly Mutant[] = [
  {
    name: "running-work-is-idle",
    why: "a replica that works is scaled away",
    edits: [
      {
        file: "src/scaling/decide.ts",
        from: '{ name: "running", value: running },',
        to: "",
      },
    ],
    tests: ["tests/scaling/decide.test.ts"],
  },
  {
    name: "target-wait-forgets-what-runs",
    why: "of busy replicas all but those of the next arrivals are scaled away",
    edits: [
      {
        file: "src/scaling/decide.ts",
        from: "    running,\n    steady,",
        to: "    0,\n    steady,",
      },
    ],
    tests: ["tests/scaling/decide.test.ts"],
  },
  {
    name: "outage-is-an-empty-queue",
    why: "a store that is away scales a role to nothing",
    edits: [
      {
        file: "src/scaling/external/service.ts",
        from: "decide(await loads.of(role), settings);",
        to: "decide(await loads.of(role).catch(() => ({ queued: 0, scheduledSoon: 0, running: 0, oldestWaitMs: 0, arrivalPerSecond: 0, servicePerSecond: 0, serviceMs: undefined })), settings);",
      },
    ],
    tests: ["tests/scaling/external/service.test.ts"],
  },
  {
    name: "paused-queue-wants-workers",
    why: "workers are started for what nobody hands out",
    edits: [
      { file: "src/scaling/role-loads.ts", from: "const room = pause ? 0 :", to: "const room = false ? 0 :" },
    ],
    tests: ["tests/scaling/external/service.test.ts"],
  },
  {
    name: "hpa-without-tolerance",
    why: "a metric that swings a little scales all the time",
    edits: [
      {
        file: "src/scaling/hpa.ts",
        from: "if (ratio <= 1 + up && ratio >= 1 - down) return replicas;",
        to: "",
      },
    ],
    tests: ["tests/scaling/hpa.test.ts"],
  },
  {
    name: "hpa-shrinks-at-once",
    why: "a lull takes replicas away that the next minute needs",
    edits: [
      {
        file: "src/scaling/hpa.ts",
        from: "const most = Math.max(wanted, ...since(behavior.scaleDown.stabilizationWindowSeconds));",
        to: "const most = wanted;",
      },
    ],
    tests: ["tests/scaling/hpa.test.ts"],
  },
  {
    name: "hpa-period-counts-nothing",
    why: "each look may add as many as a whole period allows",
    edits: [
      {
        file: "src/scaling/hpa.ts",
        from: "const begin = replicas - within(state.ups) + within(state.downs);",
        to: "const begin = replicas;",
      },
    ],
    tests: ["tests/scaling/hpa.test.ts"],
  },
  {
    name: "no-cooldown",
    why: "the last replica goes with the last task, and the next waits for its start",
    edits: [
      { file: "src/scaling/keda.ts", from: "const isCool = nowMs >= coolMs;", to: "const isCool = true;" },
    ],
    tests: ["tests/scaling/keda.test.ts"],
  },
  {
    name: "fallback-at-the-first-failure",
    why: "one lost answer scales a role to its fallback",
    edits: [
      {
        file: "src/scaling/keda.ts",
        from: "failures <= fallback.failureThreshold",
        to: "failures <= 0",
      },
    ],
    tests: ["tests/scaling/keda.test.ts"],
  },
  {
    name: "surplus-workers-are-cut-short",
    why: "a process that is one too many gives back what it runs",
    edits: [{ file: "src/cli/local-fleet.ts", from: "tell(replica, patienceMs);", to: "tell(replica, 0);" }],
    tests: ["tests/cli/autoscale.test.ts"],
  },
];
