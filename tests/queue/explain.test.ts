/** Why tasks wait, fact by fact. */
import { describe, expect, test } from "vitest";
import { explain, type WaitFacts } from "../../src/queue/explain.ts";
import type { Presence, QueueLoad, TaskRecord } from "../../src/queue/store.ts";
import { retryPolicyDefault } from "../../src/queue/task.ts";

const nowMs = 1_700_000_000_000;

const queuedTask: TaskRecord = {
  id: "testing.one",
  queue: "testing",
  tenant: "default",
  priority: 5,
  state: "QUEUED",
  attempt: 0,
  fence: 0,
  generation: 1,
  retry: retryPolicyDefault,
  timeouts: {},
  concurrencyKey: "",
  workerLabels: {},
  parents: [],
  parentsPending: 0,
  workflowId: "",
  labels: {},
  createdMs: nowMs - 1_000,
  spec: new Uint8Array(),
  usage: { tokens: 0, usd: 0 },
  lastSequence: 1,
};

const worker = (labels: Record<string, string> = {}): Presence => ({
  queue: "testing",
  workerId: "w",
  labels,
});
const parent = (taskId: string) => ({ taskId, name: "", condition: "SUCCEEDED" as const });

function why(task: Partial<TaskRecord>, load: Partial<QueueLoad> = {}, more: Partial<WaitFacts> = {}) {
  const idle: QueueLoad = {
    policy: {},
    running: 0,
    keyRunning: 0,
    rateInMs: 0,
    keyRateInMs: 0,
    workers: [worker()],
  };
  return explain({
    task: { ...queuedTask, ...task },
    load: { ...idle, ...load },
    queued: 1,
    parents: [],
    nowMs,
    ...more,
  });
}

const kinds = (...given: Parameters<typeof why>) => why(...given).map(({ kind }) => kind);

test.each(["RUNNING", "INPUT_REQUIRED", "SUCCEEDED", "FAILED", "CANCELED"] as const)(
  "a task that is %s does not wait",
  (state) => expect(why({ state }, { pause: { reason: "x", sinceMs: nowMs } })).toEqual([]),
);

describe("a pause", () => {
  test("says who and why, and since when", () => {
    const pause = { reason: "by anna: deploy", sinceMs: nowMs - 180_000 };
    expect(why({}, { pause })).toEqual([
      {
        kind: "QUEUE_PAUSED",
        message: "the queue testing is paused by anna: deploy (since 3 min)",
        metadata: { queue: "testing", reason: "by anna: deploy", since: "2023-11-14T22:10:20.000Z" },
      },
    ]);
    expect(why({}, { pause: { ...pause, reason: "deploy" } })[0]?.message).toContain("is paused: deploy (");
    expect(why({}, { pause: { ...pause, reason: "" } })[0]?.message).toContain("is paused (");
  });

  test("comes before what else holds it back", () => {
    const pause = { reason: "", sinceMs: nowMs };
    expect(kinds({}, { pause, workers: [] })).toEqual(["QUEUE_PAUSED", "NO_WORKER"]);
    expect(kinds({ state: "BLOCKED", parents: [parent("a.b")] }, { pause })).toEqual([
      "QUEUE_PAUSED",
      "PARENTS_RUNNING",
    ]);
  });
});

describe("parents", () => {
  const parents = ["a.1", "a.2", "a.3", "a.4", "a.5"].map(parent);
  const states = (...all: WaitFacts["parents"][number]["state"][]) =>
    all.map((state, index) => ({ taskId: `a.${index + 1}`, state }));

  test("that run are counted and named", () => {
    const facts = { parents: states("SUCCEEDED", "RUNNING", "SUCCEEDED", "RUNNING", "FAILED") };
    const [reason, ...others] = why({ state: "BLOCKED", parents }, {}, facts);
    expect(others).toEqual([]);
    expect(reason).toEqual({
      kind: "PARENTS_RUNNING",
      message: "2 of its 5 parents are running: a.2 is RUNNING, a.4 is RUNNING",
      metadata: { parents: "5", pending: "2", running: "2", task_ids: "a.2,a.4" },
    });
  });

  test("that wait themselves are told so, the first three by name", () => {
    const facts = { parents: states("QUEUED", "RUNNING", "MISSING", "BLOCKED", "SCHEDULED") };
    expect(why({ state: "BLOCKED", parents }, {}, facts)[0]?.message).toBe(
      "5 of its 5 parents have not ended: a.1 is QUEUED, a.2 is RUNNING, a.3 is MISSING, and 2 more",
    );
  });

  test("that have all ended leave nothing to wait for", () => {
    const facts = { parents: states("SUCCEEDED") };
    expect(why({ state: "BLOCKED", parents: [parent("a.1")] }, {}, facts)[0]?.message).toContain(
      "just ended",
    );
  });
});

describe("a time", () => {
  test("that was asked for", () => {
    const [reason] = why({ state: "SCHEDULED", runAtMs: nowMs + 90_000 });
    expect(reason).toMatchObject({ kind: "SCHEDULED", metadata: { until: "2023-11-14T22:14:50.000Z" } });
    expect(reason?.message).toBe("it is scheduled for 2023-11-14T22:14:50.000Z, in 90 s");
  });

  test("after a failed attempt", () => {
    const error = { kind: "FLAKY", message: "the net was down", retryable: true, detail: "" };
    const [reason] = why({ state: "SCHEDULED", runAtMs: nowMs + 400, error, attempt: 1 });
    expect(reason?.kind).toBe("BACKOFF");
    expect(reason?.message).toBe(
      "attempt 1 of 3 failed (FLAKY: the net was down); the next waits until 2023-11-14T22:13:20.400Z, in 400 ms",
    );
    expect(reason?.metadata).toMatchObject({ attempt: "1", error_kind: "FLAKY" });
  });

  test("that is over", () => {
    expect(why({ state: "SCHEDULED", runAtMs: nowMs - 1 })[0]?.message).toContain("it is due now");
  });
});

describe("a cap", () => {
  const policy = { runningMax: 10, runningPerKeyMax: 3 };

  test("of its key", () => {
    const [reason, ...others] = why({ concurrencyKey: "tenant-7" }, { policy, running: 5, keyRunning: 3 });
    expect(others).toEqual([]);
    expect(reason).toMatchObject({
      kind: "CAP_REACHED",
      metadata: { of: "key", key: "tenant-7", running: "3", running_max: "3" },
    });
    expect(reason?.message).toContain("cap 3/3 for tenant-7");
  });

  test("of its queue", () => {
    const [reason] = why({}, { policy, running: 10 });
    expect(reason).toMatchObject({ kind: "CAP_REACHED", metadata: { of: "queue", running_max: "10" } });
    expect(reason?.message).toContain("cap 10/10 for the queue testing");
  });

  test("of both, and of neither while there is room", () => {
    expect(kinds({ concurrencyKey: "k" }, { policy, running: 10, keyRunning: 3 })).toEqual([
      "CAP_REACHED",
      "CAP_REACHED",
    ]);
    expect(kinds({ concurrencyKey: "k" }, { policy, running: 9, keyRunning: 2 })).toEqual(["IN_LINE"]);
  });
});

test("a rate says how long it waits, of the key and of the queue", () => {
  const rate = { perSecond: 2, burst: 1 };
  const reasons = why(
    { concurrencyKey: "k" },
    { policy: { rate, ratePerKey: { perSecond: 0.5, burst: 1 } }, rateInMs: 320.2, keyRateInMs: 1_500 },
  );
  expect(reasons.map(({ kind, message }) => [kind, message])).toEqual([
    ["RATE_REACHED", "k may start 0.5 tasks a second: the next in 2 s"],
    ["RATE_REACHED", "the queue testing may start 2 tasks a second: the next in 321 ms"],
  ]);
  expect(reasons[1]?.metadata).toMatchObject({ of: "queue", wait_ms: "321" });
});

describe("workers", () => {
  test("none at all", () => {
    const [reason] = why({}, { workers: [] });
    expect(reason?.kind).toBe("NO_WORKER");
    expect(reason?.message).toContain("agentmesh serve --role testing");
  });

  test("none with its labels: says what the present ones have", () => {
    const workers = [worker({ gpu: "a100", zone: "b" }), worker(), worker({ zone: "b", gpu: "a100" })];
    const [reason] = why({ workerLabels: { gpu: "h100" } }, { workers });
    expect(reason).toEqual({
      kind: "NO_MATCHING_WORKER",
      message: "no worker with label gpu=h100; the 3 present have: gpu=a100, zone=b | none",
      metadata: { queue: "testing", worker_labels: "gpu=h100", workers: "3" },
    });
  });

  test("one that has all of them, and more", () => {
    const workers = [worker(), worker({ gpu: "h100", zone: "b" })];
    expect(kinds({ workerLabels: { gpu: "h100" } }, { workers })).toEqual(["IN_LINE"]);
  });

  test("that have one label each do not match a task that asks for both", () => {
    const workers = [worker({ gpu: "h100" }), worker({ zone: "b" })];
    expect(kinds({ workerLabels: { gpu: "h100", zone: "b" } }, { workers })).toEqual(["NO_MATCHING_WORKER"]);
  });
});

test("where nothing holds it, it waits for a slot: alone, or behind others", () => {
  expect(why({})[0]).toMatchObject({ kind: "IN_LINE", metadata: { queued: "1", workers: "1" } });
  const [reason] = why({ priority: 3 }, {}, { queued: 42 });
  expect(reason?.kind).toBe("BEHIND_OTHERS");
  expect(reason?.message).toBe(
    "41 other tasks are queued in testing, and this one has priority 3; 1 worker can take it when a slot is free",
  );
});
