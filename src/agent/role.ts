/**
 * What an author writes: a role. Its queue, server, schema and scaling follow from this one value.
 */
import type { z } from "zod";
import type { MeshClient } from "../client/mesh-client.ts";
import { rolePattern } from "../core/ids.ts";
import type { SandboxOptions, SandboxResult } from "../sandbox/sandbox.ts";

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
  /** Aborts when the task is canceled, its lease is lost, its deadline passes, or the worker must stop. */
  readonly signal: AbortSignal;
  /** One line to the task's log; watchers see it at once. */
  log(line: string, level?: LogLevel): void;
  /** How far the task is, 0 to 1, with a word on what it does now. */
  progress(fraction: number, message?: string): void;
  /** A piece of output before the end, such as a token or a partial report. */
  emit(chunk: string | Uint8Array, name?: string): void;
  /** Adds to the task's counted usage. */
  usage(used: TaskUsage): void;
  /** Runs a task of another role and answers with its output; deadline, tenant, trace and cancellation are passed on. */
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

export interface ScaleSettings {
  readonly min: number;
  readonly max: number;
  /** Queued and running tasks that one replica should carry. */
  readonly tasksPerReplica: number;
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
  if (!rolePattern.test(definition.name))
    throw new TypeError(
      `role name "${definition.name}": use lower-case letters, digits and dashes, 48 at most`,
    );
  const concurrency = definition.concurrency ?? 4;
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new TypeError(
      `role ${definition.name}: concurrency is ${concurrency}; it must be a whole number from 1`,
    );
  const lease = definition.lease ?? { seconds: 30 };
  if (!(lease.seconds >= 1))
    throw new TypeError(`role ${definition.name}: lease.seconds is ${lease.seconds}; it must be 1 or more`);
  const retry = {
    attempts: definition.retry?.attempts ?? 3,
    backoffMs: definition.retry?.backoffMs ?? 1_000,
    backoffMaxMs: definition.retry?.backoffMaxMs ?? 60_000,
    notRetried: definition.retry?.notRetried ?? [],
  };
  if (!Number.isInteger(retry.attempts) || retry.attempts < 1)
    throw new TypeError(
      `role ${definition.name}: retry.attempts is ${retry.attempts}; it must be a whole number from 1`,
    );
  const scale = definition.scale ?? { min: 1, max: 10, tasksPerReplica: concurrency };
  return Object.freeze({ ...definition, concurrency, lease, retry, scale });
}
