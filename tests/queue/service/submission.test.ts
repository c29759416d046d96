// biome-ignore-all lint/suspicious/noTemplateCurlyInString: inputs hold templates
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Dependency_Condition, TaskSpec } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { defineRole } from "../../../src/agent/role.ts";
import { catalogOf } from "../../../src/agent/role-catalog.ts";
import { MeshError } from "../../../src/core/errors.ts";
import { limits } from "../../../src/core/limits.ts";
import { toPayload } from "../../../src/core/payload.ts";
import { newTask, type SubmissionContext } from "../../../src/queue/service/submission.ts";

const role = (name: string) =>
  defineRole({
    name,
    summary: "for tests",
    input: z.object({ n: z.number().optional(), list: z.array(z.string()).optional() }),
    output: z.unknown(),
    retry: { attempts: 5, backoffMs: 20, backoffMaxMs: 200, notRetried: ["NEVER"] },
    run: () => null,
  });
const context: SubmissionContext = {
  catalog: catalogOf([role("alpha"), role("beta")]),
  roleDefault: "alpha",
  payloadBytesMax: 1_000,
  nowMs: 1_700_000_000_000,
};

const submit = (spec: Parameters<typeof TaskSpec.fromPartial>[0], more: Partial<SubmissionContext> = {}) =>
  newTask(TaskSpec.fromPartial(spec), "spec", { ...context, ...more });

function refusal(spec: Parameters<typeof TaskSpec.fromPartial>[0]): MeshError {
  try {
    submit(spec);
  } catch (error) {
    expect(error).toBeInstanceOf(MeshError);
    return error as MeshError;
  }
  throw new Error("it was taken");
}

const parent = "alpha.0123456789abcdefghijk";
const year = 366 * 86_400;

describe("defaults", () => {
  test("of an empty spec", () => {
    const task = submit({});
    expect(task).toMatchObject({
      queue: "alpha",
      tenant: "default",
      priority: 5,
      fingerprint: "",
      runAtMs: undefined,
      delayMs: undefined,
      parents: [],
      workflowId: "",
      labels: {},
      retry: {
        attemptsMax: 5,
        backoffInitialMs: 20,
        backoffMaxMs: 200,
        backoffMultiplier: 2,
        errorsNotRetried: ["NEVER"],
      },
    });
    expect(task.id).toBeUndefined();
    expect(TaskSpec.decode(task.spec)).toMatchObject({ role: "alpha", tenant: "default", priority: 5 });
  });

  test("what the retry policy leaves out is the role's", () => {
    const retry = { attemptsMax: 2, backoffInitial: { seconds: 9, nanos: 0 } };
    expect(submit({ retry }).retry).toEqual({
      attemptsMax: 2,
      backoffInitialMs: 9_000,
      backoffMaxMs: 9_000,
      backoffMultiplier: 2,
      errorsNotRetried: ["NEVER"],
    });
  });

  test("priority 0 is not the default's place", () => expect(submit({ priority: 0 }).priority).toBe(0));

  test("a dependency without a condition must succeed", () => {
    const finished = { taskId: "beta.1", condition: Dependency_Condition.FINISHED, name: "b" };
    expect(submit({ dependencies: [{ taskId: parent }, finished] }).parents).toEqual([
      { taskId: parent, name: "", condition: "SUCCEEDED" },
      { taskId: "beta.1", name: "b", condition: "FINISHED" },
    ]);
  });
});

const long = (bytes: number) => "ü".repeat(bytes / 2 + 1);

test.each<[string, Parameters<typeof TaskSpec.fromPartial>[0], string, string]>([
  ["an unknown role", { role: "gamma" }, "spec.role", 'no role "gamma"'],
  ["a long tenant", { tenant: long(limits.tenantBytesMax) }, "spec.tenant", "at most 128"],
  ["a priority above 9", { priority: 10 }, "spec.priority", "from 0 to 9"],
  ["a negative priority", { priority: -1 }, "spec.priority", "from 0 to 9"],
  ["a long key", { idempotencyKey: long(256) }, "spec.idempotency_key", "has 258 bytes; at most 256"],
  ["a long title", { title: long(256) }, "spec.title", "at most 256"],
  [
    "too many labels",
    { labels: Object.fromEntries(Array.from({ length: 17 }, (_, nth) => [`l${nth}`, ""])) },
    "spec.labels",
    "has 17 labels; at most 16",
  ],
  ["a long label", { labels: { a: long(128) } }, 'spec.labels["a"]', "at most 128"],
  ["a label without a name", { labels: { "": "x" } }, "spec.labels (a name)", "is required"],
  ["too many attempts", { retry: { attemptsMax: 101 } }, "spec.retry.attempts_max", "from 1 to 100"],
  ["negative attempts", { retry: { attemptsMax: -1 } }, "spec.retry.attempts_max", "from 1 to 100"],
  [
    "a multiplier below 1",
    { retry: { backoffMultiplier: 0.5 } },
    "spec.retry.backoff_multiplier",
    "from 1 to 100",
  ],
  [
    "a negative backoff",
    { retry: { backoffInitial: { seconds: -1, nanos: 0 } } },
    "spec.retry.backoff_initial",
    "from 0 s",
  ],
  [
    "a backoff of years",
    { retry: { backoffMax: { seconds: year + 1, nanos: 0 } } },
    "spec.retry.backoff_max",
    "to",
  ],
  [
    "a malformed parent",
    { dependencies: [{ taskId: parent }, { taskId: "x" }] },
    "spec.dependencies[1].task_id",
    '"x"',
  ],
  [
    "a parent named twice",
    { dependencies: [{ taskId: parent }, { taskId: parent }] },
    "spec.dependencies[1].task_id",
    "named twice",
  ],
  [
    "a parent's name used twice",
    {
      dependencies: [
        { taskId: parent, name: "a" },
        { taskId: "beta.1", name: "a" },
      ],
    },
    "spec.dependencies[1].name",
    "used twice",
  ],
  [
    "a parent's long name",
    { dependencies: [{ taskId: parent, name: long(128) }] },
    "spec.dependencies[0].name",
    "at most 64",
  ],
  [
    "too many parents",
    { dependencies: Array.from({ length: 1_001 }, (_, nth) => ({ taskId: `beta.${nth}` })) },
    "spec.dependencies",
    "has 1001 entries; at most 1000",
  ],
  ["a negative delay", { delay: { seconds: -1, nanos: 0 } }, "spec.delay", "from 0 s"],
  ["a delay of more than a year", { delay: { seconds: year + 1, nanos: 0 } }, "spec.delay", "to 31622400 s"],
  [
    "a time more than a year ahead",
    { runAt: new Date(context.nowMs + year * 1_001) },
    "spec.run_at",
    "366 days",
  ],
  ["a time that no calendar has", { runAt: new Date(Number.NaN) }, "spec.run_at", "no time"],
  [
    "a time and a delay",
    { runAt: new Date(0), delay: { seconds: 1, nanos: 0 } },
    "spec.delay",
    "at most one",
  ],
  ["an input that does not fit", { input: toPayload({ n: "x" }) }, "spec.input.n", "number"],
  ["deeper down", { input: toPayload({ list: ["a", 1] }) }, "spec.input.list.1", "string"],
  ["an input that is no object", { input: toPayload([1]) }, "spec.input", "object"],
  [
    "JSON that is none",
    { input: { body: { $case: "data", value: Buffer.from("{") }, contentType: "application/json" } },
    "spec.input",
    "is not the JSON",
  ],
  [
    "a template in no object",
    { renderInput: true, input: toPayload("x") },
    "spec.input",
    "must be a JSON object",
  ],
  ["a template without an input", { renderInput: true }, "spec.input", "must be a JSON object"],
  [
    "a long trace",
    { trace: { traceparent: "", tracestate: "x".repeat(513) } },
    "spec.trace.tracestate",
    "at most 512",
  ],
  [
    "many kinds that are not retried",
    { retry: { errorsNotRetried: Array(65).fill("X") } },
    "spec.retry.errors_not_retried",
    "at most 64",
  ],
  [
    "a long kind that is not retried",
    { retry: { errorsNotRetried: ["X".repeat(65)] } },
    "spec.retry.errors_not_retried[0]",
    "at most 64",
  ],
  [
    "an unknown condition",
    { dependencies: [{ taskId: parent, condition: 7 as Dependency_Condition }] },
    "spec.dependencies[0].condition",
    "7 is not",
  ],
  ["a line's end in a title", { title: "a\nb" }, "spec.title", "control characters"],
  ["a NUL in a tenant", { tenant: "a\0" }, "spec.tenant", "control characters"],
  ["a long workflow", { workflowId: long(256) }, "spec.workflow_id", "at most 256"],
  ["a workflow's node of a long name", { workflowNode: long(128) }, "spec.workflow_node", "at most 128"],
])("%s is refused, naming the field", (_, spec, field, words) => {
  const error = refusal(spec);
  expect(error.code).toBe("INVALID_ARGUMENT");
  expect(error.fields.map((violation) => violation.field)).toEqual([field]);
  expect(error.message).toContain(`${field}: `);
  expect(error.message).toContain(words);
});

test("every fault is told at once", () => {
  const error = refusal({ priority: 11, title: long(256), input: toPayload({ n: "x" }) });
  expect(error.fields.map(({ field }) => field)).toEqual(["spec.priority", "spec.title", "spec.input.n"]);
});

test("a mistyped role gets a hint", () =>
  expect(refusal({ role: "alpah" }).message).toContain('mean "alpha"?'));

test("a spec of the longest legal fields is taken", () => {
  const name = (index: number) => `${index}`.padEnd(64, "n");
  const dependencies = Array.from({ length: limits.dependenciesMax }, (_, index) => ({
    taskId: `${"q".repeat(48)}.${`${index}`.padStart(64, "0")}`,
    name: name(index),
  }));
  const labels = Object.fromEntries(
    Array.from({ length: limits.labelsMax }, (_, index) => [`${index}`.padEnd(128, "l"), "v".repeat(128)]),
  );
  const retry = {
    errorsNotRetried: Array.from({ length: limits.errorsNotRetriedMax }, (_, index) => name(index)),
  };
  expect(submit({ dependencies, labels, retry, title: "t".repeat(256) }).parents).toHaveLength(1_000);
});

test("an input over the limit is refused with the limit", () => {
  const error = refusal({ input: toPayload({ list: ["x".repeat(1_000)] }) });
  expect(error).toMatchObject({ reason: "PAYLOAD_TOO_LARGE", metadata: { bytes_max: "1000" } });
  expect(error.fields[0]!.field).toBe("spec.input");
});

test("a budget is said to be not served yet", () => {
  const error = { reason: "NOT_YET_SUPPORTED", fields: [{ field: "spec.budget" }] };
  expect(refusal({ budget: {} })).toMatchObject(error);
});

describe("what chooses when and where it runs", () => {
  const timed = (timeouts: object) => defineRole({ ...role("timed"), timeouts });
  const catalog = catalogOf([timed({ toStartMs: 5_000, heartbeatMs: 700 })]);

  test("is stored as it is said", () => {
    const workerLabels = { gpu: "h100", "": "x" };
    expect(submit({ concurrencyKey: "tenant-7", workerLabels: { gpu: "h100" } })).toMatchObject({
      concurrencyKey: "tenant-7",
      workerLabels: { gpu: "h100" },
      timeouts: {},
    });
    expect(refusal({ workerLabels }).fields[0]?.field).toBe("spec.worker_labels (a name)");
  });

  test("of timeouts, what is not said is the role's", () => {
    const timeouts = { toStart: { seconds: 1, nanos: 500_000_000 }, toFinish: { seconds: 60, nanos: 0 } };
    expect(submit({ role: "timed", timeouts }, { catalog }).timeouts).toEqual({
      toStartMs: 1_500,
      toFinishMs: 60_000,
      heartbeatMs: 700,
    });
    expect(submit({ role: "timed" }, { catalog }).timeouts).toMatchObject({
      toStartMs: 5_000,
      heartbeatMs: 700,
    });
  });

  test.each<[string, Parameters<typeof TaskSpec.fromPartial>[0]]>([
    ["timeouts.to_start", { timeouts: { toStart: { seconds: 0, nanos: 99_000_000 } } }],
    ["timeouts.to_finish", { timeouts: { toFinish: { seconds: year + 1, nanos: 0 } } }],
    ["timeouts.heartbeat", { timeouts: { heartbeat: { seconds: -1, nanos: 0 } } }],
    ["concurrency_key", { concurrencyKey: "k".repeat(129) }],
    ["concurrency_key", { concurrencyKey: "a\u001fb" }],
    ["worker_labels (a name)", { workerLabels: { "a=b": "c" } }],
    ['worker_labels["a"]', { workerLabels: { a: "b\u001e" } }],
    [
      "worker_labels",
      { workerLabels: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`${n}`, ""])) },
    ],
  ])("%s out of bounds is refused by its name", (field, spec) => {
    expect(refusal(spec).fields.map((one) => one.field)).toContain(`spec.${field}`);
  });
});

test("a templated input is looked at when it is leased", () => {
  expect(() => submit({ renderInput: true, input: toPayload({ n: "${{ a.b }}" }) })).not.toThrow();
});

describe("idempotency", () => {
  const spec = { idempotencyKey: "k", input: toPayload({ n: 1, list: ["a"] }), labels: { a: "1", b: "2" } };
  const first = submit(spec);

  test("the same key has the same id, now and later", () => {
    expect(submit(spec, { nowMs: 1 }).id).toBe(first.id);
    expect(first.id).toMatch(/^alpha\.[0-9a-z]{24}$/);
  });

  test.each<[string, Parameters<typeof TaskSpec.fromPartial>[0]]>([
    ["role", { role: "beta" }],
    ["tenant", { tenant: "t" }],
    ["key", { idempotencyKey: "k2" }],
  ])("another %s has another id", (_, change) => {
    expect(submit({ ...spec, ...change }).id).not.toBe(first.id);
  });

  test("a key cannot imitate a tenant and a key", () => {
    const a = submit({ tenant: "t", idempotencyKey: "1:k" });
    expect(a.id).not.toBe(submit({ tenant: "t1", idempotencyKey: ":k" }).id);
  });

  test.each<[string, Parameters<typeof TaskSpec.fromPartial>[0]]>([
    ["the default role by name", { role: "alpha" }],
    ["the default tenant by name", { tenant: "default" }],
    ["the default priority by number", { priority: 5 }],
    ["labels in another order", { labels: { b: "2", a: "1" } }],
    ["members of the input in another order", { input: toPayload({ list: ["a"], n: 1 }) }],
    ["another trace", { trace: { traceparent: "00-1", tracestate: "" } }],
  ])("%s is the same request", (_, change) => {
    expect(submit({ ...spec, ...change }).fingerprint).toBe(first.fingerprint);
  });

  test.each<[string, Parameters<typeof TaskSpec.fromPartial>[0]]>([
    ["input", { input: toPayload({ n: 2, list: ["a"] }) }],
    ["order of a list", { input: toPayload({ n: 1, list: ["a", "b"] }) }],
    ["priority", { priority: 6 }],
    ["labels", { labels: { a: "1" } }],
    ["title", { title: "t" }],
    ["parents", { dependencies: [{ taskId: parent }] }],
    ["delay", { delay: { seconds: 1, nanos: 0 } }],
  ])("another %s is another request of the same id", (_, change) => {
    const other = submit({ ...spec, ...change });
    expect(other.id).toBe(first.id);
    expect(other.fingerprint).not.toBe(first.fingerprint);
  });

  test("without a key the store makes the id", () => {
    expect(submit({}).id).toBeUndefined();
  });
});
