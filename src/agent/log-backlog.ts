/** Log entries that wait for a server; over the bound the oldest are lost first. */
import type { LogAppend } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { appendBytes, logBytesMax } from "./outgoing.ts";

export class LogBacklog {
  #appends: LogAppend[] = [];
  #bytes = 0;

  add(append: LogAppend): void {
    this.#appends.push(append);
    this.#bytes += appendBytes(append);
    while (this.#bytes > logBytesMax && this.#appends.length > 1)
      this.#bytes -= appendBytes(this.#appends.shift() as LogAppend);
  }

  /** All of them, oldest first; none are left. */
  take(): LogAppend[] {
    const taken = this.#appends;
    this.#appends = [];
    this.#bytes = 0;
    return taken;
  }
}
