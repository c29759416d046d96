/** Faults of the store in Redis. */
import type { Mutant } from "./mutant.ts";

const contract = ["tests/queue/redis/store.test.ts"];
const lua = "src/queue/redis/lua";

function inLua(file: string, from: string, to: string): Mutant["edits"] {
  return [{ file: `${lua}/${file}.lua`, from, to }];
}

export const redisMutants: readonly Mutant[] = [
  {
    name: "redis-rows-end-whatever-the-fence",
    why: "a worker ends a task that it never held, where the task lives in its row",
    edits: [
      {
        file: "src/queue/redis/finish.ts",
        from: "usage === undefined && fence === firstFence",
        to: "usage === undefined",
      },
    ],
    tests: contract,
  },
  {
    name: "redis-moved-leases-stay",
    why: "a task that moved out of its row while it ran is never taken back from a worker that died",
    edits: inLua("sweep", "elseif byte(row) == MOVED then", "elseif false then"),
    tests: contract,
  },
  {
    name: "redis-moved-tasks-lose-their-turn",
    why: "a task that moved out of its row while it waited is never handed out",
    edits: inLua("include/runs", "if row ~= MOVED then return row == 0 end", "return row == 0"),
    tests: contract,
  },
  {
    name: "redis-finish-without-fence",
    why: "a worker that lost its lease ends the task of the one that has it now",
    edits: [
      ...inLua("finish", "byte(row) == RUNNING and fence == C.fence + 1", "byte(row) == RUNNING"),
      ...inLua("finish", "local held = T and T[FENCE] == fence", "local held = T"),
    ],
    tests: contract,
  },
  {
    name: "redis-append-without-fence",
    why: "a worker that lost its lease writes into the log of another's attempt",
    edits: inLua("append", "T[STATE] == RUNNING and T[FENCE] == fence", "T[STATE] == RUNNING"),
    tests: contract,
  },
  {
    name: "redis-no-dedupe",
    why: "a submit that is sent again makes its task anew",
    edits: inLua("include/rows", "if state then", "if state and false then"),
    tests: contract,
  },
  {
    name: "redis-no-outbox-redelivery",
    why: "a server that dies between a parent's end and its children leaves these waiting for ever",
    edits: [
      {
        file: "src/queue/redis/sweep.ts",
        from: "await effects.deliver([...outbox.map(String), ...caused]);",
        to: "await effects.deliver(caused);",
      },
    ],
    tests: [...contract, "tests/queue/redis/effects.test.ts"],
  },
  {
    name: "redis-expired-leases-stay",
    why: "the tasks of a worker that died are never done",
    edits: inLua("sweep", "Q .. 'E', '-inf', NOW, 'LIMIT'", "Q .. 'E', '-inf', 0, 'LIMIT'"),
    tests: contract,
  },
  {
    name: "redis-cancel-keeps-the-fence",
    why: "the worker of a canceled task holds the lease of what comes after a retry",
    edits: inLua("cancel", "T[FENCE] = T[FENCE] + 1", "T[FENCE] = T[FENCE]"),
    tests: contract,
  },
  {
    name: "redis-freed-lanes-keep-their-pass",
    why: "a key that was held back takes all turns when it is free again",
    edits: inLua("include/lanes", "openLane(lane, math.max(pass, virtualOf(lane)))", "openLane(lane, pass)"),
    tests: contract,
  },
  {
    name: "redis-stale-places-are-served",
    why: "a task that was canceled and retried is handed out in the place that it had",
    edits: inLua(
      "include/runs",
      "if not T or T[STATE] ~= QUEUED or T[PLACE] ~= run.place then return false end",
      "if not T or T[STATE] ~= QUEUED then return false end",
    ),
    tests: contract,
  },
];
