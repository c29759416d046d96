/** Runs a role's handler on one input, without a server or a queue: for an author's unit tests. */
import { TerminalError } from "../core/errors.ts";
import { openSandbox } from "../sandbox/open.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { LogLevel, Role, TaskContext, TaskUsage } from "./role.ts";
import { Suspension } from "./suspension.ts";

export interface RunRoleOptions {
  readonly signal?: AbortSignal;
  readonly attempt?: number;
  /** What `task.resumed` is; a `task.suspend` rejects with a Suspension. */
  readonly resumed?: unknown;
  /** The sandbox that `task.sandbox` uses; default: this machine's. */
  readonly sandbox?: Sandbox;
  /** Answers `task.call`; by default a call is an error, since no mesh is there. */
  readonly call?: (role: string, input: unknown) => Promise<unknown>;
}

export interface RoleRun<Output> {
  readonly output: Output;
  readonly logs: readonly { readonly level: LogLevel; readonly line: string }[];
  readonly progress: readonly { readonly fraction: number; readonly message: string | undefined }[];
  readonly chunks: readonly { readonly name: string | undefined; readonly chunk: string | Uint8Array }[];
  readonly usage: Required<TaskUsage>;
}

/** Checks the input, runs the handler, checks the output; rejects with what the handler threw. */
export async function runRole<Output = unknown>(
  role: Role,
  input: unknown,
  options: RunRoleOptions = {},
): Promise<RoleRun<Output>> {
  const logs: { level: LogLevel; line: string }[] = [];
  const progress: { fraction: number; message: string | undefined }[] = [];
  const chunks: { name: string | undefined; chunk: string | Uint8Array }[] = [];
  const usage = { tokens: 0, usd: 0 };
  const context: TaskContext = {
    id: `${role.name}.run-role`,
    role: role.name,
    tenant: "default",
    attempt: options.attempt ?? 1,
    signal: options.signal ?? new AbortController().signal,
    log: (line, level = "info") => void logs.push({ level, line }),
    progress: (fraction, message) => void progress.push({ fraction, message }),
    emit: (chunk, name) => void chunks.push({ name, chunk }),
    usage: (used) => {
      usage.tokens += used.tokens ?? 0;
      usage.usd += used.usd ?? 0;
    },
    call: async <O>(name: string, childInput: unknown) => {
      if (!options.call)
        throw new TerminalError("NO_MESH", `runRole has no mesh to call "${name}" on; pass options.call`);
      return (await options.call(name, childInput)) as O;
    },
    get mesh(): never {
      throw new TerminalError("NO_MESH", "runRole has no mesh; test what needs one against a running server");
    },
    resumed: options.resumed,
    suspend: (until, state) => {
      throw new Suspension(until, state);
    },
    sandbox: async (command, sandboxOptions) =>
      (options.sandbox ?? (await openSandbox())).run(command, { signal: context.signal, ...sandboxOptions }),
  };
  const output = role.output.parse(await role.run(role.input.parse(input ?? {}), context)) as Output;
  return { output, logs, progress, chunks, usage };
}
