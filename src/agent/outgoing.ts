/**
 * What a worker has to say over a Work stream: parts pushed within one turn leave together, in order, in messages of bounded
 * size. Log entries that the stream has no room for are kept up to a bound; past it the oldest are lost.
 */
import { type LogAppend, TaskOutcome, WorkRequest } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { encoded } from "../core/encode.ts";

/** Bytes of reports in one message; well below what a receiver takes, however large a single output is. */
const messageBytesMax = 4 * 1_048_576;
/** Bytes of log entries that wait. */
export const logBytesMax = 16 * 1_048_576;

interface Message {
  readonly request: WorkRequest;
  bytes: number;
}

export class Outgoing {
  #messages: Message[] = [];
  #logBytes = 0;

  push(part: Partial<WorkRequest>): void {
    const { request } = this.#last();
    request.hello = part.hello ?? request.hello;
    request.credit += part.credit ?? 0;
    request.drain ||= part.drain ?? false;
    if (part.renew) request.renew.push(...part.renew);
    for (const append of part.append ?? []) {
      const bytes = appendBytes(append);
      this.#logBytes += bytes;
      this.#roomFor(bytes).request.append.push(append);
    }
    for (const outcome of part.finish ?? [])
      this.#roomFor(encoded(TaskOutcome, outcome).length).request.finish.push(outcome);
    this.#forgetOldest();
  }

  /** The next message to send. */
  take(): WorkRequest | undefined {
    const request = this.#messages.shift()?.request;
    for (const append of request?.append ?? []) this.#logBytes -= appendBytes(append);
    return request;
  }

  #last(): Message {
    return this.#messages.at(-1) ?? this.#add();
  }

  #add(): Message {
    const message = { request: WorkRequest.create(), bytes: 0 };
    this.#messages.push(message);
    return message;
  }

  #roomFor(bytes: number): Message {
    let last = this.#last();
    if (last.bytes > 0 && last.bytes + bytes > messageBytesMax) last = this.#add();
    last.bytes += bytes;
    return last;
  }

  #forgetOldest(): void {
    for (const { request } of this.#messages) {
      while (this.#logBytes > logBytesMax && request.append.length > 0)
        this.#logBytes -= appendBytes(request.append.shift() as LogAppend);
      if (this.#logBytes <= logBytesMax) return;
    }
  }
}

/** About how many bytes an append has on the wire. */
export function appendBytes({ entries }: LogAppend): number {
  let bytes = 64;
  for (const { entry } of entries) {
    bytes += 32;
    if (entry?.$case === "line") bytes += entry.value.text.length * 2;
    else if (entry?.$case === "chunk") bytes += entry.value.data.length;
    else if (entry?.$case === "progress") bytes += entry.value.message.length * 2;
  }
  return bytes;
}
