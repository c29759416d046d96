/** What one Work stream has to say: parts pushed within one turn leave as one message of bounded size, in order. */
import { WorkResponse } from "../../../gen/grpc/agentmesh/v1/worker.ts";
import type { SizedLease } from "./leases.ts";

/** Bytes of leases in one message; well below what a receiver takes. */
const leaseBytesMax = 4 * 1_048_576;
/** Answers that wait for a worker which does not read, before its next message is read. */
const waitingMax = 10_000;

interface Message {
  readonly response: WorkResponse;
  readonly leases: SizedLease[];
  bytes: number;
}

export class Outbox implements AsyncIterable<WorkResponse> {
  #messages: Message[] = [];
  #waiting = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #taken: (() => void) | undefined;

  push(part: Partial<Omit<WorkResponse, "leases">>): void {
    const { response } = this.#last();
    response.welcome = part.welcome ?? response.welcome;
    response.drain ||= part.drain ?? false;
    for (const list of ["renewed", "finished", "revoked", "appendRefused"] as const) {
      const added = part[list] ?? [];
      (response[list] as unknown[]).push(...added);
      this.#waiting += added.length;
    }
    this.#wake?.();
  }

  pushLeases(leases: readonly SizedLease[]): void {
    for (const sized of leases) {
      let last = this.#last();
      if (last.bytes > 0 && last.bytes + sized.bytes > leaseBytesMax) last = this.#add();
      last.response.leases.push(sized.lease);
      last.leases.push(sized);
      last.bytes += sized.bytes;
    }
    this.#wake?.();
  }

  /** What was pushed before is still told. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
    this.#taken?.();
  }

  /** Resolves when the worker has read enough of what was said for more to be asked. */
  async room(): Promise<void> {
    while (this.#waiting > waitingMax && !this.#ended)
      await new Promise<void>((resolve) => {
        this.#taken = resolve;
      });
  }

  /** Takes back the leases that have not left. */
  unsentLeases(): SizedLease[] {
    const leases = this.#messages.flatMap((message) => message.leases);
    this.#messages = [];
    return leases;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WorkResponse> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) {
        if (this.#messages.length === 0) this.#waiting = 0;
        this.#taken?.();
        yield message.response;
      } else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  #last(): Message {
    return this.#messages.at(-1) ?? this.#add();
  }

  #add(): Message {
    const message: Message = { response: WorkResponse.create(), leases: [], bytes: 0 };
    this.#messages.push(message);
    return message;
  }
}
