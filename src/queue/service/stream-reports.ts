/**
 * What a worker reports over its Work stream, on its way into the store. All of a kind that came in one message is stored by
 * one call and answered together; a task's log entries always reach the store before its end does.
 */
import type {
  LogAppend as AppendMessage,
  LeaseResult,
  LeaseTerm,
  TaskOutcome,
} from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { MeshError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { Offload } from "../offload.ts";
import type { Queue } from "../queue.ts";
import type { Finish, LogAppend, Renewal } from "../store.ts";
import type { HeldTerms } from "./held-terms.ts";
import { refusedBy, resultOf } from "./lease-results.ts";
import { finishOffloaded, givenOutcome, liesElsewhere, mustLieElsewhere } from "./offloaded.ts";
import type { Outbox } from "./outbox.ts";
import { termOf } from "./term.ts";
import { appendOf, finishOf } from "./worker-reports.ts";

export interface StreamReportsOptions {
  readonly queue: Queue;
  readonly payloadBytesMax: number;
  readonly offload?: Offload;
  readonly log: Logger;
  readonly outbox: Outbox;
  readonly terms: HeldTerms;
  /** Told of all that is under way. */
  readonly track: (work: Promise<unknown>) => void;
}

export class StreamReports {
  readonly #options: StreamReportsOptions;
  /** By task: the last of its log entries that are under way. */
  readonly #appends = new Map<string, Promise<unknown>>();

  constructor(options: StreamReportsOptions) {
    this.#options = options;
  }

  /** Each is answered in every case: the worker pairs answers with what it sent, and tells by the reason whether a lease is lost. */
  renew(asked: readonly LeaseTerm[], leaseMs: number): void {
    const { track } = this.#options;
    const renewals: Renewal[] = [];
    const refused: LeaseResult[] = [];
    for (const term of asked)
      try {
        renewals.push({ ...termOf(term), leaseMs });
      } catch (error) {
        refused.push(refusedBy(term, error));
      }
    if (refused.length > 0) this.#options.outbox.push({ renewed: refused });
    if (renewals.length > 0) track(this.#renewAll(renewals));
  }

  append(messages: readonly AppendMessage[]): void {
    const appends: LogAppend[] = [];
    for (const message of messages)
      this.#unlessAtFault(message.term, "appendRefused", () => appends.push(appendOf(message, "append")));
    if (appends.length === 0) return;
    const stored = this.#appendAll(appends);
    for (const { taskId } of appends) this.#appends.set(taskId, stored);
    void stored.then(() => {
      for (const { taskId } of appends)
        if (this.#appends.get(taskId) === stored) this.#appends.delete(taskId);
    });
    this.#options.track(stored);
  }

  finish(outcomes: readonly TaskOutcome[]): void {
    const { offload, payloadBytesMax, track } = this.#options;
    const finishes: Finish[] = [];
    for (const outcome of outcomes) {
      const isLogUnderWay = this.#appends.has(outcome.term?.taskId ?? "");
      if (isLogUnderWay || liesElsewhere(offload, outcome)) track(this.#finishLater(outcome));
      else
        this.#unlessAtFault(outcome.term, "finished", () => {
          const finish = finishOf(outcome, payloadBytesMax);
          if (mustLieElsewhere(offload, finish)) track(this.#finishLater(outcome));
          else finishes.push(finish);
        });
    }
    if (finishes.length > 0) track(this.#finishAll(finishes));
  }

  async #renewAll(renewals: readonly Renewal[]): Promise<void> {
    const { queue, outbox, terms } = this.#options;
    try {
      const outcomes = await queue.renew(renewals);
      renewals.forEach((term, index) => {
        if (outcomes[index]?.accepted) terms.add(term);
      });
      outbox.push({ renewed: renewals.map((term, index) => resultOf(term, outcomes[index])) });
    } catch (error) {
      outbox.push({ renewed: renewals.map(({ taskId, fence }) => refusedBy({ taskId, fence }, error)) });
    }
  }

  async #appendAll(appends: readonly LogAppend[]): Promise<void> {
    const { queue, outbox } = this.#options;
    try {
      const outcomes = await queue.append(appends);
      const results = appends.map((append, index) => resultOf(append, outcomes[index]));
      const appendRefused = results.filter(({ accepted }) => !accepted);
      if (appendRefused.length > 0) outbox.push({ appendRefused });
    } catch (error) {
      for (const { taskId, fence } of appends) this.#refuse({ taskId, fence }, "appendRefused", error);
    }
  }

  async #finishAll(finishes: readonly Finish[]): Promise<void> {
    const { queue, outbox, terms } = this.#options;
    try {
      const outcomes = await queue.finish(finishes);
      for (const finish of finishes) terms.delete(finish);
      outbox.push({ finished: finishes.map((finish, index) => resultOf(finish, outcomes[index])) });
    } catch (error) {
      for (const { taskId, fence } of finishes) this.#refuse({ taskId, fence }, "finished", error);
    }
  }

  /** One for which something must be done before the store can take it. */
  async #finishLater(outcome: TaskOutcome): Promise<void> {
    const { queue, payloadBytesMax, offload, outbox, terms } = this.#options;
    try {
      const finish = finishOf(await givenOutcome(offload, outcome), payloadBytesMax);
      await this.#appends.get(finish.taskId);
      const stored = await finishOffloaded(queue, offload, finish);
      terms.delete(finish);
      outbox.push({ finished: [resultOf(finish, stored)] });
    } catch (error) {
      this.#refuse(outcome.term, "finished", error);
    }
  }

  /** A report at fault is refused by itself; it does not end the stream on which other tasks live. */
  #unlessAtFault(
    term: LeaseTerm | undefined,
    list: "finished" | "appendRefused",
    check: () => unknown,
  ): void {
    try {
      check();
    } catch (error) {
      this.#refuse(term, list, error);
    }
  }

  #refuse(term: LeaseTerm | undefined, list: "finished" | "appendRefused", error: unknown): void {
    const { log, outbox } = this.#options;
    if (MeshError.from(error).reason === "INTERNAL")
      log.error({ task: term?.taskId, error: String(error) }, "a worker's report failed");
    outbox.push({ [list]: [refusedBy(term, error)] });
  }
}
