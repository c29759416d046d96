/** Calls that chance makes, each on a store and on the model, which then must agree. */
import * as fc from "fast-check";
import { expect } from "vitest";
import type { NamedTask } from "../../src/queue/named.ts";
import type { QueuePolicy } from "../../src/queue/policy.ts";
import type { FencedTask, FinishResult, QueueStore } from "../../src/queue/store.ts";
import { isFinal } from "../../src/queue/task.ts";
import { ask, bytes, failure, newTask } from "../support/tasks.ts";
import type { Model } from "./model.ts";
import { type Kit, settle } from "./store/kit.ts";

export interface Real {
  readonly kit: Kit;
  /** Two servers' views of one store; calls go to either. */
  readonly handles: readonly QueueStore[];
}

export type Command = fc.AsyncCommand<Model, Real>;

const longMs = 3_600_000;
const soon = { toStartMs: 1 };

interface Call {
  readonly name: string;
  /** Whether it needs tasks, or terms, to pick from. */
  readonly needs?: "tasks" | "terms";
  readonly handle: number;
  run(model: Model, store: QueueStore, kit: Kit): Promise<void>;
}

function command(call: Call): Command {
  return {
    check: (model) =>
      call.needs === undefined || (call.needs === "tasks" ? model.tasks.size > 0 : model.terms.length > 0),
    async run(model, { kit, handles }) {
      await call.run(model, handles[call.handle % handles.length]!, kit);
      await settle(kit.store);
      await expectAgreement(model, kit);
    },
    toString: () => call.name,
  };
}

function pick<Item>(items: readonly Item[], nat: number): Item {
  return items[nat % items.length]!;
}

const handle = fc.nat(1);
const nat = fc.nat(10_000);
const seldom = fc.nat(5).map((die) => die === 5);
const parentPick = fc.record({ nat, condition: fc.constantFrom("SUCCEEDED" as const, "FINISHED" as const) });

type ParentPick = ReturnType<typeof parentPick.generate>["value"];

const taskPlan = fc.record({
  /** Without a key, a store may make its id. */
  keyed: fc.boolean(),
  other: fc.boolean(),
  priority: fc.constantFrom(0, 5, 5, 9),
  tenant: fc.constantFrom("default", "default", "a", "b"),
  concurrencyKey: fc.constantFrom("", "", "x", "y"),
  workerLabels: fc.constantFrom<Record<string, string>[]>({}, {}, {}, { gpu: "1" }),
  attemptsMax: fc.integer({ min: 1, max: 3 }),
  backoffMs: fc.constantFrom(0, 0, longMs),
  delayMs: fc.constantFrom<(number | undefined)[]>(undefined, undefined, undefined, longMs),
  notRetried: fc.boolean(),
  parents: fc.oneof(fc.constant<ParentPick[]>([]), fc.array(parentPick, { maxLength: 3 })),
});
type TaskPlan = ReturnType<typeof taskPlan.generate>["value"];

function parentsOf(ids: readonly string[], picks: readonly ParentPick[]): NamedTask["parents"] {
  if (ids.length === 0) return [];
  const conditions = new Map(picks.map((one) => [pick(ids, one.nat), one.condition]));
  return [...conditions].map(([taskId, condition]) => ({ taskId, name: "", condition }));
}

function planned(plan: TaskPlan, kit: Kit, ids: readonly string[]): NamedTask {
  const retry = {
    attemptsMax: plan.attemptsMax,
    backoffInitialMs: plan.backoffMs,
    backoffMaxMs: plan.backoffMs,
    backoffMultiplier: 1,
    errorsNotRetried: plan.notRetried ? ["ODD"] : [],
  };
  const { priority, tenant, concurrencyKey, workerLabels, delayMs } = plan;
  const parents = parentsOf(ids, plan.parents);
  return newTask(plan.other ? kit.otherQueue : kit.queue, {
    priority,
    tenant,
    concurrencyKey,
    workerLabels,
    delayMs,
    retry,
    parents,
    fingerprint: plan.keyed ? "f" : "",
  });
}

const submit = fc.tuple(fc.array(taskPlan, { minLength: 1, maxLength: 4 }), handle).map(([plans, at]) =>
  command({
    name: `submit ${JSON.stringify(plans)}`,
    handle: at,
    async run(model, store, kit) {
      const tasks: NamedTask[] = [];
      for (const plan of plans)
        tasks.push(planned(plan, kit, [...model.ids(), ...tasks.map((task) => task.id)]));
      const outcomes = await store.submit(tasks);
      expect(outcomes.map((outcome) => outcome.status)).toEqual(tasks.map(() => "created"));
      const fences = (await store.get(tasks.map((task) => task.id))).map((record) => record!.fence);
      model.call(() => {
        // A child whose parents have ended may be queued a little later than the rest of its batch.
        const inOrder = tasks.every((task) => task.parents.length === 0);
        for (const [place, task] of tasks.entries()) model.submit(task, inOrder ? place : 0, fences[place]);
      });
    },
  }),
);

/** Many ready tasks in few lanes, so that the lanes' turns show. */
const fill = fc
  .tuple(seldom, fc.array(fc.nat(23), { minLength: 8, maxLength: 24 }), handle)
  .map(([other, lanes, at]) =>
    command({
      name: `fill ${other ? "the other" : "one"} queue's lanes ${lanes}`,
      handle: at,
      async run(model, store, kit) {
        const queue = other ? kit.otherQueue : kit.queue;
        const tasks = lanes.map((lane) => newTask(queue, laneParts(lane)));
        await store.submit(tasks);
        const fences = (await store.get(tasks.map((task) => task.id))).map((record) => record!.fence);
        model.call(() => {
          for (const [place, task] of tasks.entries()) model.submit(task, place, fences[place]);
        });
      },
    }),
  );

function laneParts(lane: number): Partial<NamedTask> {
  return {
    fingerprint: lane % 7 === 0 ? "f" : "",
    priority: lane < 18 ? 5 : pick([9, 0], lane),
    tenant: pick(["default", "a", "b"], lane),
    concurrencyKey: pick(["", "", "x", "y"], lane),
    workerLabels: lane % 6 === 5 ? { gpu: "1" } : {},
  };
}

const submitAgain = fc.tuple(nat, fc.boolean(), handle).map(([at, same, by]) =>
  command({
    name: `submit ${at} again, ${same ? "the same" : "another"}`,
    needs: "tasks",
    handle: by,
    async run(model, store) {
      const { task, state } = pick([...model.tasks.values()], at);
      const [outcome] = await store.submit([{ ...task, fingerprint: same ? task.fingerprint : "other" }]);
      expect(outcome).toEqual(
        same ? { status: "existing", id: task.id, state } : { status: "conflict", id: task.id },
      );
    },
  }),
);

const submitSoon = fc.tuple(taskPlan, handle).map(([plan, at]) =>
  command({
    name: `submit and promote ${JSON.stringify(plan)}`,
    handle: at,
    async run(model, store, kit) {
      const task = planned({ ...plan, delayMs: 1, parents: [] }, kit, []);
      await store.submit([task]);
      const [record] = await store.get([task.id]);
      model.call(() => model.submit(task, 0, record!.fence));
      await kit.sweepUntil(async () => (await store.get([task.id]))[0]?.state === "QUEUED");
      model.call(() => model.promote(task.id));
    },
  }),
);

const submitLate = fc.tuple(taskPlan, handle).map(([plan, at]) =>
  command({
    name: `submit and leave until it is too late to start ${JSON.stringify(plan)}`,
    handle: at,
    async run(model, store, kit) {
      const task = { ...planned({ ...plan, delayMs: undefined, parents: [] }, kit, []), timeouts: soon };
      await store.submit([task]);
      const [record] = await store.get([task.id]);
      model.call(() => model.submit(task, 0, record!.fence));
      await kit.sweepUntil(async () => (await store.get([task.id]))[0]?.state === "FAILED");
      model.call(() => model.startTimedOut(task.id));
    },
  }),
);

const askPlan = fc.record({
  other: seldom,
  max: fc.integer({ min: 0, max: 20 }),
  labels: fc.constantFrom<Record<string, string>[]>({}, { gpu: "1" }, { gpu: "1", zone: "x" }),
});
type AskPlan = ReturnType<typeof askPlan.generate>["value"];

const lease = fc.tuple(fc.array(askPlan, { minLength: 1, maxLength: 3 }), handle).map(([plans, at]) =>
  command({
    name: `lease ${JSON.stringify(plans)}`,
    handle: at,
    run: async (model, store, kit) => void (await leaseSome(model, store, kit, plans, longMs)),
  }),
);

/** Nothing is given back between two calls of a history: a token is 11 days. */
const rateOf = (burst: number) => ({ perSecond: 1e-6, burst });
const policyPlan = fc.record<QueuePolicy>(
  {
    runningMax: fc.integer({ min: 1, max: 40 }),
    runningPerKeyMax: fc.integer({ min: 1, max: 3 }),
    rate: fc.integer({ min: 1, max: 60 }).map(rateOf),
    ratePerKey: fc.integer({ min: 1, max: 10 }).map(rateOf),
    tenantWeights: fc.constant({ a: 3, b: 0.5 }),
  },
  { requiredKeys: [] },
);

const configure = fc
  .tuple(
    seldom,
    fc.oneof(fc.constant(null), fc.constant({ tenantWeights: { a: 3, b: 0.5 } }), policyPlan),
    fc.constantFrom(undefined, null, null, null, "chance"),
    handle,
  )
  .map(([other, policy, pause, at]) =>
    command({
      name: `configure ${other ? "the other" : "one"} queue ${JSON.stringify({ policy, pause })}`,
      handle: at,
      async run(model, store, kit) {
        const change = { queue: other ? kit.otherQueue : kit.queue, policy, pause };
        await store.configure([change]);
        model.call(() => model.configure(change));
      },
    }),
  );

const remove = fc.tuple(nat, handle).map(([place, at]) =>
  command({
    name: `remove ${place}`,
    needs: "tasks",
    handle: at,
    async run(model, store) {
      const removable = model.removable();
      const running = model.ids().filter((id) => !isFinal(model.tasks.get(id)!.state));
      const picked = [removable, running].flatMap((ids) => (ids.length > 0 ? [pick(ids, place)] : []));
      expect(await store.remove(picked)).toEqual(picked.map((id) => removable.includes(id)));
      for (const id of picked) if (removable.includes(id)) model.remove(id);
    },
  }),
);

async function leaseSome(
  model: Model,
  store: QueueStore,
  kit: Kit,
  plans: readonly AskPlan[],
  leaseMs: number,
): Promise<string[]> {
  const asks = plans.map(({ other, max, labels }) =>
    ask(other ? kit.otherQueue : kit.queue, { max, labels, leaseMs }),
  );
  const grants = (await store.lease(asks)).map(({ tasks }) => tasks.map((task) => task.id));
  model.call(() => model.leased(asks, grants));
  return grants.flat();
}

/** Short leases, of which some are renewed and the others expire. */
const expire = fc.tuple(askPlan, fc.nat(63), handle).map(([plan, keep, at]) =>
  command({
    name: `lease ${JSON.stringify(plan)} and let them expire but for ${keep.toString(2)}`,
    handle: at,
    async run(model, store, kit) {
      const ids = await leaseSome(model, store, kit, [plan], 1);
      const kept = ids.filter((_, index) => (keep >> index) & 1);
      const terms = kept.map((taskId) => ({
        taskId,
        fence: model.tasks.get(taskId)!.fence,
        leaseMs: longMs,
      }));
      expect(await store.renew(terms)).toEqual(terms.map(() => ({ accepted: true, state: "RUNNING" })));
      const lost = ids.filter((id) => !kept.includes(id));
      await kit.sweepUntil(async () => (await store.get(lost)).every((task) => task!.state !== "RUNNING"));
      model.call(() => {
        for (const id of lost) model.expire(id);
      });
    },
  }),
);

const resultPlan = fc.record({
  kind: fc.constantFrom("succeeded", "succeeded", "failed", "failed", "released", "suspended"),
  odd: fc.boolean(),
  retryable: fc.constantFrom(true, true, false),
  retryDelayMs: fc.constantFrom(undefined, undefined, 0, longMs),
  parents: fc.array(parentPick, { maxLength: 2 }),
});
type ResultPlan = ReturnType<typeof resultPlan.generate>["value"];

function resultOf(plan: ResultPlan, model: Model, term: FencedTask): FinishResult {
  const { retryable, retryDelayMs } = plan;
  if (plan.kind === "succeeded") return { kind: "succeeded", output: bytes("out") };
  if (plan.kind === "released") return { kind: "released", reason: "" };
  if (plan.kind === "failed")
    return {
      kind: "failed",
      failure: failure({ kind: plan.odd ? "ODD" : "ROLE_ERROR", retryable }),
      retryDelayMs,
    };
  const known = model.tasks.get(term.taskId)!.task.parents.map((parent) => parent.taskId);
  const others = model.ids().filter((id) => id !== term.taskId && !known.includes(id));
  // A task waits once for another in its life: what a second wait would mean is nowhere said.
  const waitedFor = model.suspendedOn.get(term.taskId) ?? new Set<string>();
  const parents = parentsOf(
    others.filter((id) => !waitedFor.has(id)),
    plan.parents,
  );
  if (model.holds(term))
    model.suspendedOn.set(term.taskId, new Set([...waitedFor, ...parents.map((parent) => parent.taskId)]));
  return { kind: "suspended", parents, resumeState: bytes("left") };
}

/** Terms are picked from all that ever were: most finishes of a long history are stale. */
const finish = fc
  .tuple(fc.array(fc.tuple(nat, resultPlan), { minLength: 1, maxLength: 3 }), handle)
  .map(([plans, at]) =>
    command({
      name: `finish ${JSON.stringify(plans)}`,
      needs: "terms",
      handle: at,
      async run(model, store) {
        const live = model.terms.filter((term) => model.holds(term));
        const picked = plans.map(([place, plan]) => {
          return { term: pick(live.length > 0 && place % 3 > 0 ? live : model.terms, place), plan };
        });
        // Each task once: what a second finish finds depends on how soon the first one's parents are looked at.
        const finishes = [...new Map(picked.map((one) => [one.term.taskId, one])).values()].map(
          ({ term, plan }) => {
            return { ...term, result: resultOf(plan, model, term) };
          },
        );
        const outcomes = await store.finish(finishes);
        const wanted = model.call(() => finishes.map((one) => model.finish(one, one.result)));
        expect(outcomes.map(({ accepted, repeated }) => ({ accepted, repeated }))).toEqual(
          wanted.map(({ accepted, repeated }) => ({ accepted, repeated })),
        );
      },
    }),
  );

const report = fc.tuple(nat, handle).map(([place, at]) =>
  command({
    name: `append and renew ${place}`,
    needs: "terms",
    handle: at,
    async run(model, store) {
      const term = pick(model.terms, place);
      const wanted = { accepted: model.holds(term), state: model.tasks.get(term.taskId)!.state };
      expect(await store.append([{ ...term, entries: [{ bytes: bytes("x") }] }])).toEqual([wanted]);
      expect(await store.renew([{ ...term, leaseMs: longMs }])).toEqual([wanted]);
    },
  }),
);

const cancel = fc.tuple(nat, handle).map(([place, at]) =>
  command({
    name: `cancel ${place}`,
    needs: "tasks",
    handle: at,
    async run(model, store) {
      const taskId = pick(model.ids(), place);
      const outcomes = await store.cancel([{ taskId, reason: "chance" }]);
      expect(outcomes).toEqual([model.call(() => model.cancel(taskId))]);
    },
  }),
);

const retry = fc.tuple(nat, handle).map(([place, at]) =>
  command({
    name: `retry ${place}`,
    needs: "tasks",
    handle: at,
    async run(model, store) {
      // One that came too late to start would come too late again, sooner or later.
      const ids = model.ids().filter((id) => model.tasks.get(id)!.task.timeouts.toStartMs === undefined);
      if (ids.length === 0) return;
      const ended = ids.filter((id) => isFinal(model.tasks.get(id)!.state));
      const taskId = pick(ended.length > 0 ? ended : ids, place);
      const [outcome] = await store.retry([{ taskId }]);
      expect(outcome!.changed).toBe(model.call(() => model.retry(taskId)));
    },
  }),
);

export const commands = fc.commands(
  [
    fill,
    fill,
    submit,
    submit,
    submitAgain,
    submitSoon,
    submitLate,
    lease,
    lease,
    lease,
    configure,
    configure,
    expire,
    finish,
    finish,
    finish,
    report,
    cancel,
    retry,
    remove,
  ],
  { maxCommands: 40, size: "max" },
);

async function expectAgreement(model: Model, { store }: Kit): Promise<void> {
  const records = await store.get(model.ids());
  const seen = records.map((record) => ({
    id: record!.id,
    state: record!.state,
    attempt: record!.attempt,
    fence: record!.fence,
    generation: record!.generation,
    error: record!.state === "FAILED" ? record!.error?.kind : undefined,
    pending: record!.state === "BLOCKED" ? record!.parentsPending : 0,
  }));
  const wanted = [...model.tasks.values()].map((one) => ({
    id: one.task.id,
    state: one.state,
    attempt: one.attempt,
    fence: one.fence,
    generation: one.generation,
    error: one.state === "FAILED" ? one.errorKind : undefined,
    pending: one.state === "BLOCKED" ? model.pending(one) : 0,
  }));
  expect(seen).toEqual(wanted);
}
