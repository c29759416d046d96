/** What one Work stream has to say: parts pushed within one turn leave as one message of bounded size, in order. */
import { nextTick } from "node:process";
import type { BinaryWriter } from "@bufbuild/protobuf/wire";
import { WorkResponse } from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { Encoded } from "../../core/call.ts";
import { encoded } from "../../core/encode.ts";
import { wireType } from "../../core/wire.ts";
import { bytesOf, type ReadyLease, writeLease } from "./lease-frame.ts";

/** The number of `leases` in WorkResponse. */
const leasesField = 2;

/** Bytes of leases in one message; well below what a receiver takes. */
const leaseBytesMax = 4 * 1_048_576;
/** Answers that wait for a worker which does not read, before its next message is read. */
const waitingMax = 10_000;

interface Message {
  /** All but the leases. */
  readonly response: WorkResponse;
  readonly leases: ReadyLease[];
  /** Of the leases. */
  bytes: number;
}

export class Outbox implements AsyncIterable<Encoded> {
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

  pushLeases(leases: readonly ReadyLease[]): void {
    for (const lease of leases) {
      const bytes = bytesOf(lease);
      let last = this.#last();
      if (last.bytes > 0 && last.bytes + bytes > leaseBytesMax) last = this.#add();
      last.leases.push(lease);
      last.bytes += bytes;
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
  unsentLeases(): ReadyLease[] {
    const leases = this.#messages.flatMap((message) => message.leases);
    this.#messages = [];
    return leases;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Encoded> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) {
        if (this.#messages.length === 0) this.#waiting = 0;
        this.#taken?.();
        yield new Encoded(encoded(codec, message));
      } else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        // So that what else this turn has to say travels along.
        await new Promise<void>(nextTick);
      }
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

const codec = {
  encode({ response, leases }: Message, writer: BinaryWriter): BinaryWriter {
    WorkResponse.encode(response, writer);
    for (const lease of leases)
      writeLease(lease, writer.tag(leasesField, wireType.lengthDelimited).fork()).join();
    return writer;
  },
};
