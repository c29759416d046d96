/** Every verdict of the checker can fail, and a sound run fails none. */
import { describe, expect, test } from "vitest";
import { check, type FinalQueue, type FinalTask, type Run, type VerdictName, verdictNames } from "./check.ts";
import { Evidence } from "./evidence.ts";
import { type HistoryEvent, parseHistory } from "./history.ts";
import { endsAsPlanned } from "./workload.ts";

const quick = "chaos-quick.a1";
const join = "chaos-join.a2";
const doomed = "chaos-doomed.a3";
const doom = { kind: "DOOMED", message: "", retryable: true, detail: "" };

const submitter: HistoryEvent[] = [
  { what: "submitTried", keys: ["a-1", "a-2", "a-3"] },
  { what: "submitUnknown", keys: ["a-1", "a-2", "a-3"], reason: "STORE_UNAVAILABLE" },
  { what: "submitTried", keys: ["a-1", "a-2", "a-3"] },
  {
    what: "submitAnswered",
    answers: [
      { key: "a-1", taskId: quick, existing: true },
      { key: "a-2", taskId: join, existing: false },
      { key: "a-3", taskId: doomed, existing: false },
    ],
  },
];
const frozen: HistoryEvent[] = [
  { what: "leased", taskId: quick, fence: 1 },
  { what: "started", taskId: quick, attempt: 1 },
  { what: "finishTried", taskId: quick, fence: 1, outcome: "succeeded" },
  { what: "finishAnswered", taskId: quick, fence: 1, accepted: false },
];
const worker: HistoryEvent[] = [
  { what: "leased", taskId: quick, fence: 2 },
  { what: "finishTried", taskId: quick, fence: 2, outcome: "succeeded" },
  { what: "finishAnswered", taskId: quick, fence: 2 },
  { what: "finishAnswered", taskId: quick, fence: 2, accepted: true },
];

const final = (parts: Partial<FinalTask> & Pick<FinalTask, "id">): FinalTask => ({
  queue: parts.id.split(".")[0] ?? "",
  state: "SUCCEEDED",
  attempt: 1,
  attemptsMax: 3,
  fence: 1,
  parents: [],
  finishedMs: 10,
  entered: { RUNNING: 1, SUCCEEDED: 1 },
  attemptTold: 1,
  firstRunMs: 5,
  leasesExpired: 0,
  ...parts,
});
const taskQuick = final({ id: quick, attempt: 2, attemptTold: 2, fence: 2, entered: { RUNNING: 2 } });
const taskJoin = final({ id: join, parents: [quick], firstRunMs: 10, finishedMs: 20 });
const taskDoomed = final({ id: doomed, state: "FAILED", error: doom, attempt: 3, fence: 3 });

const queue = (name: string, state: "SUCCEEDED" | "FAILED"): FinalQueue => ({
  queue: name,
  counts: {
    BLOCKED: 0,
    SCHEDULED: 0,
    QUEUED: 0,
    RUNNING: 0,
    INPUT_REQUIRED: 0,
    SUCCEEDED: 0,
    FAILED: 0,
    CANCELED: 0,
    [state]: 1,
  },
  deadLetter: state === "FAILED" ? 1 : 0,
});

interface Parts extends Partial<Omit<Run, "evidence">> {
  readonly histories?: readonly (readonly HistoryEvent[])[];
}

function run({ histories = [submitter, frozen, worker], ...parts }: Parts = {}): Run {
  const evidence = new Evidence();
  for (const history of histories) evidence.add(history);
  return {
    evidence,
    tasks: [taskQuick, taskJoin, taskDoomed],
    queues: [
      queue("chaos-quick", "SUCCEEDED"),
      queue("chaos-join", "SUCCEEDED"),
      queue("chaos-doomed", "FAILED"),
    ],
    deadLetters: [doomed],
    expected: new Map([
      ["a-1", { taskId: quick, kind: "quick" }],
      ["a-2", { taskId: join, kind: "join" }],
      ["a-3", { taskId: doomed, kind: "doomed" }],
    ]),
    endsAsPlanned,
    ...parts,
  };
}

/** The verdicts that fail, with how often. */
function failing(parts: Parts): Partial<Record<VerdictName, number>> {
  return Object.fromEntries(
    check(run(parts))
      .filter(({ count }) => count > 0)
      .map(({ name, count }) => [name, count]),
  );
}

test("a sound run fails no verdict", () => {
  expect(check(run()).map(({ name }) => name)).toEqual(verdictNames);
  expect(failing({})).toEqual({});
});

/** The sound run with some of its tasks changed; the counts of their queues are left out. */
const changed = (...changes: readonly FinalTask[]): Parts => ({
  queues: [],
  tasks: [taskQuick, taskJoin, taskDoomed].map((task) => changes.find(({ id }) => id === task.id) ?? task),
});
const answered = (taskId: string, existing: boolean): HistoryEvent => ({
  what: "submitAnswered",
  answers: [{ key: "a-1", taskId, existing }],
});
const others: HistoryEvent = {
  what: "submitAnswered",
  answers: [
    { key: "a-2", taskId: join, existing: false },
    { key: "a-3", taskId: doomed, existing: false },
  ],
};

const faults: readonly [VerdictName, string, Parts][] = [
  [
    "acknowledged tasks lost",
    "a task that was acknowledged is not in the store",
    { ...changed(), tasks: [taskQuick, { ...taskJoin, parents: [quick] }], deadLetters: [] },
  ],
  [
    "acknowledged tasks lost",
    "a submit finds nothing after it was acknowledged",
    { histories: [[...submitter, answered(quick, false)], worker] },
  ],
  [
    "acknowledged ends lost",
    "a success that was accepted is no success in the store",
    changed({ ...taskQuick, fence: 3, entered: { RUNNING: 3 } }),
  ],
  [
    "acknowledged ends lost",
    "a cancel that was told is none in the store",
    {
      histories: [
        submitter,
        [
          { what: "cancelTried", taskId: quick },
          { what: "cancelAnswered", taskId: quick, canceled: true },
        ],
      ],
    },
  ],
  [
    "tasks under two ids for one key",
    "two answers to one key name two tasks",
    { histories: [[...submitter, answered("chaos-quick.b1", true)]] },
  ],
  [
    "submits without an outcome",
    "a submit that was tried is never answered",
    { histories: [[...submitter, { what: "submitTried", keys: ["a-4"] }]] },
  ],
  [
    "submits refused for good",
    "a submit is refused and never taken",
    {
      histories: [
        [
          ...submitter,
          {
            what: "submitAnswered",
            answers: [{ key: "a-4", taskId: "", existing: false, refusal: "INVALID_FIELD" }],
          },
        ],
      ],
    },
  ],
  [
    "tasks that nobody submitted",
    "the store has a task of a key that nobody tried",
    { histories: [[{ what: "submitTried", keys: ["a-2", "a-3"] }, others]] },
  ],
  [
    "tasks completed twice",
    "two fences have their success accepted",
    {
      histories: [
        submitter,
        [...frozen.slice(0, 3), { what: "finishAnswered", taskId: quick, fence: 1, accepted: true }],
        worker,
      ],
    },
  ],
  [
    "tasks completed twice",
    "the log tells two successes",
    changed({ ...taskQuick, entered: { RUNNING: 2, SUCCEEDED: 2 } }),
  ],
  ["tasks stuck", "a task is not final", { ...changed({ ...taskDoomed, state: "QUEUED" }), deadLetters: [] }],
  ["fences that went back", "two leases have one fence", { histories: [submitter, worker, worker] }],
  [
    "fences that went back",
    "a process is given a lower fence after a higher one",
    { histories: [submitter, [...worker, { what: "leased", taskId: quick, fence: 1 }]] },
  ],
  [
    "fences that went back",
    "the store's fence is below one that was given",
    { histories: [submitter, [{ what: "leased", taskId: quick, fence: 9 }]] },
  ],
  [
    "fences that went back",
    "the store's fence is below the leases that the log tells",
    changed({ ...taskJoin, entered: { RUNNING: 2, SUCCEEDED: 1 } }),
  ],
  ["attempts over the maximum", "the store counts too many", changed({ ...taskDoomed, attempt: 4 })],
  ["attempts over the maximum", "the log tells of too many", changed({ ...taskDoomed, attemptTold: 4 })],
  ["children before their parents", "a child ran too early", changed({ ...taskJoin, firstRunMs: 9 })],
  [
    "children before their parents",
    "a child ran whose parent is missing",
    changed({ ...taskJoin, parents: [quick, "chaos-quick.b1"] }),
  ],
  [
    "ends that were not asked for",
    "a quick task failed",
    {
      ...changed({ ...taskJoin, state: "FAILED", error: doom }),
      deadLetters: [doomed, join],
    },
  ],
  [
    "ends that were not asked for",
    "a child blames parents that succeeded",
    {
      ...changed({
        ...taskJoin,
        state: "FAILED",
        error: { ...doom, kind: "PARENT_FAILED" },
        firstRunMs: undefined,
      }),
      deadLetters: [doomed, join],
    },
  ],
  [
    "ends that were not asked for",
    "a task is CANCELED that nobody canceled",
    changed({ ...taskJoin, state: "CANCELED" }),
  ],
  ["dead letters not exactly once", "one is listed twice", { deadLetters: [doomed, doomed] }],
  ["dead letters not exactly once", "one is not listed", { deadLetters: [] }],
  ["counts that are not so", "a queue counts a task too many", { queues: [queue("chaos-quick", "FAILED")] }],
];

describe.each(faults)("%s", (name, what, parts) => {
  test(`fails where ${what}`, () => {
    expect(Object.keys(failing(parts))).toEqual([name]);
  });
});

test("every verdict has a fault that fails it", () => {
  expect(new Set(faults.map(([name]) => name))).toEqual(new Set(verdictNames));
});

test("a line without its end says nothing", () => {
  const line = JSON.stringify({ what: "leased", taskId: quick, fence: 1 });
  expect(parseHistory(`${line}\n${line.slice(0, 9)}`)).toEqual([{ what: "leased", taskId: quick, fence: 1 }]);
  expect(parseHistory("")).toEqual([]);
});
