/** Faults of the registry of instances, of what keeps instances in it, and of who reads it. */
import type { Mutant } from "./mutant.ts";

export const fleetMutants: readonly Mutant[] = [
  {
    name: "dead-instances-are-listed",
    why: "calls are sent to a process that was killed, until somebody's heartbeat sweeps",
    edits: [{ file: "src/fleet/redis/lua/list.lua", from: "'(' .. text(NOW)", to: "'-inf'" }],
    tests: ["tests/fleet/redis/registry.test.ts"],
  },
  {
    name: "late-heartbeats-revive",
    why: "an instance that readers have seen die is back without a registration, where many died at once",
    edits: [
      {
        file: "src/fleet/redis/lua/heartbeat.lua",
        from: "if before and untilMs > NOW then",
        to: "if before then",
      },
    ],
    tests: ["tests/fleet/redis/registry.test.ts"],
  },
  {
    name: "heartbeats-forget-the-state",
    why: "a heartbeat that says the load alone turns an instance that drains into one that serves",
    edits: [
      {
        file: "src/fleet/memory/registry.ts",
        from: "state: state ?? before.state",
        to: 'state: state ?? "SERVING"',
      },
    ],
    tests: ["tests/fleet/memory/registry.test.ts"],
  },
  {
    name: "registry-takes-any-number",
    why: "anybody who can call RegisterAgent fills Redis",
    edits: [
      {
        file: "src/fleet/redis/lua/register.lua",
        from: "call('ZCARD', R .. 'x') < tonumber(ARGV[2])",
        to: "true",
      },
    ],
    tests: ["tests/fleet/redis/registry.test.ts"],
  },
  {
    name: "state-changes-give-no-hint",
    why: "clients hear of a drain up to a second late",
    edits: [
      { file: "src/fleet/redis/lua/heartbeat.lua", from: "isNews or state ~= stateBefore", to: "isNews" },
    ],
    tests: ["tests/fleet/redis/registry.test.ts"],
  },
  {
    name: "unknown-instances-stay-away",
    why: "a Redis that was emptied knows of no instance until every process is started anew",
    edits: [
      {
        file: "src/agent/announcer.ts",
        from: 'if (outcomes[place] === "unknown") this.#known.delete(id);',
        to: "{}",
      },
    ],
    tests: ["tests/agent/announcer.test.ts"],
  },
  {
    name: "serving-overtakes-draining",
    why: "a process that drains is called one that serves by the heartbeat that was under way",
    edits: [
      {
        file: "src/agent/announcer.ts",
        from: "this.#saying = this.#saying.then(() => this.#sayNow());",
        to: "this.#saying = this.#sayNow();",
      },
    ],
    tests: ["tests/agent/announcer.test.ts"],
  },
  {
    name: "emptied-registry-empties-the-mesh",
    why: "a Redis that lost its memory takes all endpoints from clients until heartbeats come",
    edits: [
      {
        file: "src/discovery/sources/living.ts",
        from: "before !== undefined && (wasAway || before.epoch !== list.epoch)",
        to: "false",
      },
    ],
    tests: ["tests/discovery/sources/living.test.ts"],
  },
  {
    name: "places-are-told-twice",
    why: "clients refuse all endpoints of a role where a process was killed and another has its port",
    edits: [
      {
        file: "src/discovery/sources/living.ts",
        from: "if (other === undefined || isLater(instance, other)) places.set(placeOf(instance), instance);",
        to: "places.set(instance.id, instance);",
      },
    ],
    tests: ["tests/discovery/sources/living.test.ts"],
  },
  {
    name: "drain-is-not-announced",
    why: "clients find out that a process drains by being refused",
    edits: [{ file: "src/cli/drain-mesh.ts", from: "await instances.drain();", to: "" }],
    tests: ["tests/cli/instances.test.ts"],
  },
];
