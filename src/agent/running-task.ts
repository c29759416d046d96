/** One leased task in a worker: its handler, its signal, and how it ended. */
import { Payload } from "../../gen/grpc/agentmesh/v1/payload.ts";
import { Dependency_Condition, type LogEntry } from "../../gen/grpc/agentmesh/v1/task.ts";
import type { Lease, LeaseTerm, TaskOutcome } from "../../gen/grpc/agentmesh/v1/worker.ts";
import type { MeshClient } from "../client/mesh-client.ts";
import { encoded } from "../core/encode.ts";
import { derivedId } from "../core/ids.ts";
import { fromPayload, toPayload } from "../core/payload.ts";
import { durationToMs, msToDuration } from "../core/time.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { type Failure, failureOf, terminal } from "./failure.ts";
import { trustMs } from "./heartbeat-plan.ts";
import type { CallOptions, Role, TaskContext } from "./role.ts";
import { Suspension } from "./suspension.ts";
import { chunkEntries, lineEntry, progressEntry, usageEntry } from "./task-log.ts";

export interface RunningTaskOptions {
  readonly role: Role;
  readonly mesh: MeshClient;
  readonly sandbox: () => Promise<Sandbox>;
  readonly append: (term: LeaseTerm, entries: LogEntry[]) => void;
  /** Told once, when the task is stopped: its lease is not to be renewed any more. */
  readonly stopped: (task: RunningTask) => void;
}

/** The longest that a timer can be set to. */
const timerMsMax = 2 ** 31 - 1;
/** How long a blocked event loop is given to read the renewals that came meanwhile. */
const catchUpMs = 50;
const timedOut = "its timeout to finish has passed";

export class RunningTask {
  readonly term: LeaseTerm;
  readonly lease: Lease;
  readonly #options: RunningTaskOptions;
  /** Made when it is asked for: most handlers never look at their signal. */
  #abort: AbortController | undefined;
  #stopReason: string | undefined;
  readonly #leaseMs: number;
  #trustTimer: NodeJS.Timeout | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  /** Its timeout to finish is about to pass. */
  #isDue = false;
  #calls = 0;
  #canceled = false;

  constructor(lease: Lease, options: RunningTaskOptions) {
    this.lease = lease;
    this.term = lease.term ?? { taskId: "", fence: 0 };
    this.#options = options;
    this.#leaseMs = lease.lease ? durationToMs(lease.lease) : options.role.lease.seconds * 1_000;
    this.trust(0);
    const deadlineMs = lease.deadline && durationToMs(lease.deadline);
    // What follows is the store's to say: it ends the lease at the same time.
    if (deadlineMs !== undefined && deadlineMs <= timerMsMax) this.#endAfter(deadlineMs);
  }

  /** The store has ended the lease. It does so at the deadline too: then that is the reason, whichever of the two is heard first. */
  lost(reason: string, canceled: boolean): void {
    this.stop(this.#isDue && !canceled ? timedOut : reason, canceled);
  }

  /** The lease was known to be good `agoMs` ago; it is trusted from then on. */
  trust(agoMs: number): void {
    clearTimeout(this.#trustTimer);
    const leftMs = Math.max(0, trustMs(this.#leaseMs) - agoMs);
    this.#trustTimer = setTimeout(() => {
      this.#trustTimer = setTimeout(() => this.stop("the lease was not renewed in time"), catchUpMs);
    }, leftMs);
  }

  #endAfter(deadlineMs: number): void {
    const lastMs = Math.min(deadlineMs, catchUpMs);
    this.#deadlineTimer = setTimeout(() => {
      this.#isDue = true;
      this.#deadlineTimer = setTimeout(() => this.stop(timedOut), lastMs);
    }, deadlineMs - lastMs);
  }

  /** Aborts the handler's signal: the task is no longer this worker's, or the worker must end. `canceled`: it is nobody's. */
  stop(reason: string, canceled = false): void {
    this.settle();
    if (this.stopped) return;
    this.#canceled = canceled;
    this.#stopReason = reason;
    this.#options.stopped(this);
    this.#abort?.abort(abortError(reason));
  }

  /** True once {@link stop} was called: what the handler answers then is nobody's business. */
  get stopped(): boolean {
    return this.#stopReason !== undefined;
  }

  get #signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#stopReason !== undefined) this.#abort.abort(abortError(this.#stopReason));
    }
    return this.#abort.signal;
  }

  /** Lets go of the lease's timers; for after the outcome was accepted or refused. */
  settle(): void {
    clearTimeout(this.#trustTimer);
    clearTimeout(this.#deadlineTimer);
  }

  /** Runs the handler to its end; never rejects. */
  async run(): Promise<TaskOutcome> {
    const { role } = this.#options;
    try {
      const input = role.input.safeParse(fromPayload(this.lease.input) ?? {});
      if (!input.success)
        return this.#failed(terminal("INVALID_INPUT", issuesOf("input", input.error.issues)));
      const answer = await role.run(input.data, this.#context());
      const output = role.output.safeParse(answer);
      if (!output.success)
        return this.#failed(terminal("INVALID_OUTPUT", issuesOf("output", output.error.issues)));
      return this.#succeeded(output.data);
    } catch (thrown) {
      return thrown instanceof Suspension ? this.#suspended(thrown) : this.#failed(failureOf(thrown));
    }
  }

  #context(): TaskContext {
    const { role, mesh, sandbox } = this.#options;
    const { spec, attempt, resumeState } = this.lease;
    const signal = () => this.#signal;
    return {
      id: this.term.taskId,
      role: role.name,
      tenant: spec?.tenant ?? "",
      attempt,
      get signal() {
        return signal();
      },
      mesh,
      resumed: fromPayload(resumeState),
      log: (line, level = "info") => this.#append(lineEntry(line, level)),
      progress: (fraction, message) => this.#append(progressEntry(fraction, message)),
      emit: (chunk, name) => this.#append(...chunkEntries(chunk, name)),
      usage: (used) => this.#append(usageEntry(used)),
      call: (name, input, options) => this.#call(name, input, options),
      suspend: (until, state) => {
        throw new Suspension(until, state);
      },
      sandbox: async (command, options) => (await sandbox()).run(command, { signal: signal(), ...options }),
    };
  }

  #append(...entries: LogEntry[]): void {
    if (!this.stopped && entries.length > 0) this.#options.append(this.term, entries);
  }

  /**
   * A child's key comes from its parent's task and the call's place in it: an attempt that repeats its calls in the same order
   * finds the children of the attempt before, and no work is done twice.
   */
  async #call<Output>(role: string, input: unknown, options: CallOptions = {}): Promise<Output> {
    const { mesh } = this.#options;
    const place = String(this.#calls++);
    const child = await mesh.submit(role, input, {
      tenant: this.lease.spec?.tenant,
      parentTaskId: this.term.taskId,
      priority: options.priority ?? this.lease.spec?.priority,
      idempotencyKey:
        options.idempotencyKey ?? derivedId("call", this.term.taskId, place, role, JSON.stringify(input)),
    });
    try {
      return await mesh.result<Output>(child.id, { signal: this.#signal });
    } catch (error) {
      // Where only the lease is lost the child lives on: the next attempt finds it by its key.
      if (this.#canceled)
        await mesh.cancel(child.id, `its parent ${this.term.taskId} stopped`).catch(() => {});
      throw error;
    }
  }

  #succeeded(answer: unknown): TaskOutcome {
    try {
      return this.#outcome({ $case: "succeeded", value: { output: encodable(answer, "output") } });
    } catch (error) {
      return this.#failed(
        terminal("INVALID_OUTPUT", `output: cannot be written: ${(error as Error).message}`),
      );
    }
  }

  #suspended(suspension: Suspension): TaskOutcome {
    try {
      return this.#suspendedUntil(suspension);
    } catch (error) {
      return this.#failed(
        terminal("INVALID_OUTPUT", `state: cannot be written: ${(error as Error).message}`),
      );
    }
  }

  #suspendedUntil({ until, state }: Suspension): TaskOutcome {
    const dependencies = until.map((taskId) => ({
      taskId,
      name: "",
      condition: Dependency_Condition.FINISHED,
    }));
    return this.#outcome({
      $case: "suspended",
      value: { dependencies, inputRequest: undefined, state: encodable(state, "state") },
    });
  }

  #failed({ error, retryDelayMs }: Failure): TaskOutcome {
    const retryDelay = retryDelayMs === undefined ? undefined : msToDuration(retryDelayMs);
    return this.#outcome({ $case: "failed", value: { error, retryDelay } });
  }

  #outcome(result: TaskOutcome["result"]): TaskOutcome {
    return { term: this.term, result, usage: undefined };
  }
}

function abortError(reason: string): DOMException {
  return new DOMException(reason, "AbortError");
}

/** The payload of a value, sure to be writable: a BigInt in it, say, throws here and not where messages are sent. */
function encodable(value: unknown, field: string): Payload {
  const payload = toPayload(value, field);
  encoded(Payload, payload);
  return payload;
}

function issuesOf(
  what: string,
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string {
  return issues.map((issue) => `${[what, ...issue.path.map(String)].join(".")}: ${issue.message}`).join("; ");
}
