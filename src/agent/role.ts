/**
 * What an author writes: a role. Its queue, server, schema and scaling follow from this one value.
 */
import type { z } from "zod";
import type { MeshClient } from "../client/mesh-client.ts";
import { rolePattern } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { retryPolicyDefault, type Timeouts } from "../queue/task.ts";
import type { SandboxOptions, SandboxResult } from "../sandbox/sandbox.ts";
import type { ScaleSettings } from "../scaling/decide.ts";
import { scaleFault } from "../scaling/scale-fault.ts";
import { type LimitSettings, limitsFault, timeoutsFault } from "./role-limits.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** What a running task may spend and report; see {@link TaskContext.usage}. */
export interface TaskUsage {
  readonly tokens?: number;
  readonly usd?: number;
}

/** The handle of a running task, given to a role's `run`. */
export interface TaskContext {
  readonly id: string;
  readonly role: string;
  readonly tenant: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Aborts when the task is canceled, its lease is lost, its timeout to finish has passed, or the worker must stop. */
  readonly signal: AbortSignal;
  /** One line to the task's log; watchers see it at once. */
  log(line: string, level?: LogLevel): void;
  /** How far the task is, 0 to 1, with a word on what it does now. */
  progress(fraction: number, message?: string): void;
  /** A piece of output before the end, such as a token or a partial report. */
  emit(chunk: string | Uint8Array, name?: string): void;
  /** Adds to the task's counted usage. */
  usage(used: TaskUsage): void;
  /** Runs a task of another role and answers with its output; tenant, priority and cancellation are passed on. */
  call<Output = unknown>(role: string, input: unknown, options?: CallOptions): Promise<Output>;
  /** The mesh itself, for what {@link call} is too little for. */
  readonly mesh: MeshClient;
  /** What the last {@link suspend} left; undefined in a task's first run. */
  readonly resumed: unknown;
  /** Ends this run: the task is BLOCKED until these tasks have ended, however they do, and then runs again. Never returns. */
  suspend(until: readonly string[], state: unknown): never;
  /** Runs a command contained; the task's signal ends it. */
  sandbox(command: readonly string[], options: SandboxOptions): Promise<SandboxResult>;
}

export interface CallOptions {
  readonly idempotencyKey?: string;
  readonly priority?: number;
}

export interface RetrySettings {
  /** Tries in all, the first included; default 3, since most faults that pass do so by the second retry. */
  readonly attempts?: number;
  /** Delay before the second try; default 1,000. */
  readonly backoffMs?: number;
  /** The longest delay; default 60,000. */
  readonly backoffMaxMs?: number;
  /** Kinds of error that end the task at once. */
  readonly notRetried?: readonly string[];
}

export interface RoleDefinition<Input, Output> {
  /** Lower-case words with dashes; the name of the role's queue. */
  readonly name: string;
  /** One line for lists and docs. */
  readonly summary: string;
  readonly input: z.ZodType<Input>;
  readonly output: z.ZodType<Output>;
  /** Tasks that one worker runs at once; default 4. */
  readonly concurrency?: number;
  /** A worker's term on a task, renewed while it works; default 30 s: three missed renewals of 10 s. */
  readonly lease?: { readonly seconds: number };
  readonly retry?: RetrySettings;
  /** What all workers of the mesh together may run and start; default: no limits. */
  readonly limits?: LimitSettings;
  /** Of its tasks, where they say nothing else; default: none. */
  readonly timeouts?: Timeouts;
  /** How many replicas there are; default: 1 to 10, as many tasks each as a worker runs at once. docs/scaling.md tells how to choose. */
  readonly scale?: ScaleSettings;
  run(input: Input, task: TaskContext): Promise<Output> | Output;
}

/** A role with its types forgotten, as lists hold it. */
export type Role = // biome-ignore lint/suspicious/noExplicitAny: a list holds roles of any input and output
  Required<Omit<RoleDefinition<any, any>, "scale" | "retry">> & {
    readonly retry: Required<RetrySettings>;
    readonly scale: ScaleSettings;
  };

/** Checks a definition and fills its defaults. Throws a TypeError that names the field. */
export function defineRole<Input, Output>(definition: RoleDefinition<Input, Output>): Role {
  const { name, concurrency = 4 } = definition;
  const role = {
    ...definition,
    concurrency,
    lease: definition.lease ?? { seconds: limits.leaseMsDefault / 1_000 },
    retry: retryOf(definition.retry),
    limits: definition.limits ?? {},
    timeouts: definition.timeouts ?? {},
    scale: definition.scale ?? { min: 1, max: 10, tasksPerReplica: concurrency },
  };
  if (typeof name !== "string" || !rolePattern.test(name))
    throw new TypeError(`role name "${name}": use lower-case letters, digits and dashes, 48 at most`);
  const fault = faultOf(role);
  if (fault !== undefined) throw new TypeError(`role ${name}: ${fault}`);
  return Object.freeze(role);
}

function retryOf(said: RetrySettings = {}): Required<RetrySettings> {
  return {
    attempts: said.attempts ?? retryPolicyDefault.attemptsMax,
    backoffMs: said.backoffMs ?? retryPolicyDefault.backoffInitialMs,
    backoffMaxMs: said.backoffMaxMs ?? retryPolicyDefault.backoffMaxMs,
    notRetried: said.notRetried ?? retryPolicyDefault.errorsNotRetried,
  };
}

/** The first field at fault and what it must be; a module in plain JavaScript gets no help from types. */
function faultOf({
  input,
  output,
  run,
  concurrency,
  lease,
  retry,
  scale,
  ...role
}: Role): string | undefined {
  const must = (field: string, value: unknown, wanted: string) =>
    `${field} is ${String(value)}; it must be ${wanted}`;
  const whole = (field: string, value: number, min: number, max: number) => {
    if (Number.isInteger(value) && value >= min && value <= max) return undefined;
    return must(field, value, `a whole number from ${min} to ${max}`);
  };
  const between = (field: string, value: number, min: number, max: number) =>
    value >= min && value <= max ? undefined : must(field, value, `from ${min} to ${max}`);
  const delay = (field: string, value: number) =>
    Number.isFinite(value) && value >= 0 ? undefined : must(field, value, "0 or more, and finite");
  const schema = (field: string, value: z.ZodType | undefined) =>
    typeof value?.safeParse === "function" ? undefined : `${field} must be a zod schema`;
  const { leaseMsMin, leaseMsMax, attemptsMax, creditMax } = limits;
  return (
    schema("input", input) ??
    schema("output", output) ??
    (typeof run === "function" ? undefined : "run must be a function") ??
    whole("concurrency", concurrency, 1, creditMax) ??
    between("lease.seconds", lease.seconds, leaseMsMin / 1_000, leaseMsMax / 1_000) ??
    whole("retry.attempts", retry.attempts, 1, attemptsMax) ??
    delay("retry.backoffMs", retry.backoffMs) ??
    delay("retry.backoffMaxMs", retry.backoffMaxMs) ??
    limitsFault(role.limits) ??
    timeoutsFault(role.timeouts) ??
    scaleFault(scale)
  );
}
