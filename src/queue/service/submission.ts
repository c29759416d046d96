/** From the contract's TaskSpec to a task that a store takes: every field checked, defaults filled, its id made. */
import { createHash } from "node:crypto";
import type { Payload } from "../../../gen/grpc/agentmesh/v1/payload.ts";
import {
  Dependency_Condition,
  type RetryPolicy as RetrySpec,
  TaskSpec,
  type Timeouts as TimeoutsSpec,
} from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { Duration } from "../../../gen/grpc/google/protobuf/duration.ts";
import { FieldCheck } from "../../core/check.ts";
import { encoded } from "../../core/encode.ts";
import { MeshError } from "../../core/errors.ts";
import { keyedTaskId, queueOf } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { checkLevels, encodePayload, fromPayload } from "../../core/payload.ts";
import type { NewTask, Parent } from "../store.ts";
import type { DependencyCondition, RetryPolicy, Timeouts } from "../task.ts";
import { type Catalog, type CatalogRole, roleOf } from "./catalog.ts";
import { checkWorkerLabels } from "./labels.ts";
import { type SpecParts, specEncoder } from "./spec-input.ts";

export interface SubmissionContext {
  readonly catalog: Catalog;
  /** Taken where the spec names no role. */
  readonly roleDefault: string;
  readonly payloadBytesMax: number;
  readonly nowMs: number;
}

export const tenantDefault = "default";
const priorityDefault = 5;

/** Throws a MeshError that names each field at fault, as paths below `field`. */
export function newTask(spec: TaskSpec, field: string, context: SubmissionContext): NewTask {
  const roleName = spec.role || context.roleDefault;
  const check = new FieldCheck(field);
  const role = roleOf(context.catalog, check.path("role"), roleName);
  refuseBudget(spec, field);
  const tenant = spec.tenant || tenantDefault;
  check.line("tenant", tenant, limits.tenantBytesMax);
  const priority = spec.priority ?? priorityDefault;
  check.whole("priority", priority, 0, 9);
  check.text("idempotency_key", spec.idempotencyKey, limits.idempotencyKeyBytesMax);
  check.line("title", spec.title, limits.titleBytesMax);
  check.labels("labels", spec.labels);
  checkWorkerLabels(check, "worker_labels", spec.workerLabels);
  check.line("concurrency_key", spec.concurrencyKey, limits.concurrencyKeyBytesMax);
  const retry = retryPolicy(check, spec.retry, role.retry);
  const timeouts = timeoutsOf(check, spec.timeouts, role.timeouts);
  const parents = parentsOf(check, spec);
  if (spec.trace) {
    check.text("trace.traceparent", spec.trace.traceparent, limits.traceparentBytesMax);
    check.text("trace.tracestate", spec.trace.tracestate, limits.tracestateBytesMax);
  }
  check.text("parent_task_id", spec.parentTaskId, limits.idempotencyKeyBytesMax);
  check.text("workflow_id", spec.workflowId, limits.idempotencyKeyBytesMax);
  check.text("workflow_node", spec.workflowNode, limits.labelBytesMax);
  const delayMs = check.durationMs("delay", spec.delay, 0, limits.delayMsMax);
  const runAtMs = spec.runAt?.getTime();
  if (delayMs !== undefined && runAtMs !== undefined)
    check.fault("delay", "set at most one of run_at and delay");
  if (Number.isNaN(runAtMs)) check.fault("run_at", "is no time that a calendar has");
  if (runAtMs !== undefined && runAtMs - context.nowMs > limits.delayMsMax)
    check.fault("run_at", `is more than ${limits.delayMsMax / 86_400_000} days ahead`);
  checkInput(check, "input", spec, role);
  check.done();
  const parts = { rest: { ...spec, role: roleName, tenant, priority, input: undefined }, input: spec.input };
  const bytes = encoded(specEncoder, parts);
  checkBytes(field, parts, bytes.length, context.payloadBytesMax);
  const keyed = spec.idempotencyKey !== "";
  return {
    id: keyed ? keyedTaskId(roleName, tenant, spec.idempotencyKey) : undefined,
    queue: roleName,
    tenant,
    priority,
    fingerprint: keyed ? fingerprint(parts) : "",
    runAtMs,
    delayMs,
    retry,
    timeouts,
    concurrencyKey: spec.concurrencyKey,
    workerLabels: spec.workerLabels,
    parents,
    workflowId: spec.workflowId,
    labels: spec.labels,
    spec: bytes,
  };
}

/** Encodes the parts of a spec by themselves only where the whole is over what one of them may have. */
function checkBytes(field: string, { rest, input }: SpecParts, bytes: number, inputBytesMax: number): void {
  if (bytes <= Math.min(limits.specBytesMax, inputBytesMax)) return;
  if (input) encodePayload(`${field}.input`, input, inputBytesMax);
  const restBytes = encoded(TaskSpec, rest).length;
  const description = `has ${restBytes} bytes besides its input; at most ${limits.specBytesMax} are allowed`;
  if (restBytes > limits.specBytesMax) throw MeshError.invalid([{ field, description }]);
}

/** The request's identity: what the caller asked for, without the trace that differs from call to call. */
function fingerprint({ rest, input: given }: SpecParts): string {
  const labels = Object.fromEntries(Object.entries(rest.labels).sort(([a], [b]) => (a < b ? -1 : 1)));
  const body = given?.body;
  // A map has no order on the wire: the same object is the same request, whichever way a client happens to write it.
  const input = given && { ...given, body: body?.$case === "json" ? inOrder(body) : body };
  const bytes = encoded(TaskSpec, { ...rest, input, labels, trace: undefined });
  return createHash("sha256").update(bytes).digest("base64url");
}

function inOrder<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(inOrder) as Value;
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, inOrder(member)])) as Value;
}

/** Taken in silence, a budget would seem to be kept. */
function refuseBudget(spec: TaskSpec, field: string): void {
  if (spec.budget === undefined) return;
  const fields = [{ field: `${field}.budget`, description: "not served by this version" }];
  throw new MeshError("NOT_YET_SUPPORTED", `${field}.budget: not served by this version; leave unset`, {
    fields,
  });
}

/** What the spec says, and for the rest what the role does. */
function timeoutsOf(check: FieldCheck, spec: TimeoutsSpec | undefined, roleDefault: Timeouts): Timeouts {
  if (!spec) return roleDefault;
  const { timeoutMsMin, timeoutMsMax } = limits;
  const said = (name: string, value: Duration | undefined) =>
    check.durationMs(`timeouts.${name}`, value, timeoutMsMin, timeoutMsMax);
  return {
    toStartMs: said("to_start", spec.toStart) ?? roleDefault.toStartMs,
    toFinishMs: said("to_finish", spec.toFinish) ?? roleDefault.toFinishMs,
    heartbeatMs: said("heartbeat", spec.heartbeat) ?? roleDefault.heartbeatMs,
  };
}

function retryPolicy(check: FieldCheck, spec: RetrySpec | undefined, roleDefault: RetryPolicy): RetryPolicy {
  if (!spec) return roleDefault;
  const attemptsMax = spec.attemptsMax || roleDefault.attemptsMax;
  check.whole("retry.attempts_max", attemptsMax, 1, limits.attemptsMax);
  const multiplier = spec.backoffMultiplier || roleDefault.backoffMultiplier;
  if (!(multiplier >= 1 && multiplier <= 100))
    check.fault("retry.backoff_multiplier", `is ${multiplier}; it must be from 1 to 100`);
  const kinds = spec.errorsNotRetried;
  if (kinds.length > limits.errorsNotRetriedMax)
    check.fault(
      "retry.errors_not_retried",
      `has ${kinds.length} kinds; at most ${limits.errorsNotRetriedMax} are allowed`,
    );
  else
    for (const [index, kind] of kinds.entries())
      check.text(`retry.errors_not_retried[${index}]`, kind, limits.errorKindBytesMax);
  const delay = (name: string, value: Duration | undefined, fallback: number) =>
    check.durationMs(`retry.${name}`, value, 0, limits.delayMsMax) ?? fallback;
  const backoffInitialMs = delay("backoff_initial", spec.backoffInitial, roleDefault.backoffInitialMs);
  return {
    attemptsMax,
    backoffInitialMs,
    backoffMaxMs: delay("backoff_max", spec.backoffMax, Math.max(backoffInitialMs, roleDefault.backoffMaxMs)),
    backoffMultiplier: multiplier,
    errorsNotRetried: kinds.length > 0 ? kinds : roleDefault.errorsNotRetried,
  };
}

const noParents: readonly Parent[] = Object.freeze([]);

function parentsOf(check: FieldCheck, spec: TaskSpec): readonly Parent[] {
  if (spec.dependencies.length === 0) return noParents;
  const field = "dependencies";
  if (spec.dependencies.length > limits.dependenciesMax) {
    check.fault(
      field,
      `has ${spec.dependencies.length} entries; at most ${limits.dependenciesMax} are allowed`,
    );
    return noParents;
  }
  const ids = new Set<string>();
  const names = new Set<string>();
  return spec.dependencies.map((dependency, index) => {
    const at = `${field}[${index}]`;
    if (queueOf(dependency.taskId) === undefined)
      check.fault(
        `${at}.task_id`,
        `"${dependency.taskId.slice(0, 80)}" is not a task id; ids look like testing.01kabc…`,
      );
    check.text(`${at}.name`, dependency.name, limits.dependencyNameBytesMax);
    if (ids.has(dependency.taskId)) check.fault(`${at}.task_id`, `${dependency.taskId} is named twice`);
    if (dependency.name !== "" && names.has(dependency.name))
      check.fault(`${at}.name`, `"${dependency.name}" is used twice`);
    ids.add(dependency.taskId);
    names.add(dependency.name);
    const condition = conditionOf(check, `${at}.condition`, dependency.condition);
    return { taskId: dependency.taskId, name: dependency.name, condition };
  });
}

export function conditionOf(
  check: FieldCheck,
  field: string,
  condition: Dependency_Condition,
): DependencyCondition {
  if (!Object.values(Dependency_Condition).includes(condition))
    check.fault(field, `${condition} is not a condition`);
  return condition === Dependency_Condition.FINISHED ? "FINISHED" : "SUCCEEDED";
}

/** A templated input is whole only when it is leased; the worker checks it then. */
export function checkInput(check: FieldCheck, name: string, spec: TaskSpec, role: CatalogRole): void {
  const field = check.path(name);
  const value = spec.input && checkReadable(field, spec.input);
  if (!spec.renderInput) check.add(role.checkInput(field, value));
  else if (value === null || typeof value !== "object" || Array.isArray(value) || Buffer.isBuffer(value))
    check.fault(name, "must be a JSON object where render_input is true");
}

/**
 * The payload's value. Throws a MeshError that names the field where a payload that says it is JSON is not, or where it
 * cannot be read here.
 */
export function checkReadable(field: string, payload: Payload): unknown {
  try {
    const value = fromPayload(payload);
    checkLevels(field, payload, value);
    return value;
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw MeshError.invalid([
      { field, description: `is not the JSON that its content_type says: ${(error as Error).message}` },
    ]);
  }
}
