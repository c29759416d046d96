/** A worker's connection that writes down which leases come over it, and what is said of their ends. */
import type { MethodDefinition } from "@grpc/grpc-js";
import type { WorkRequest, WorkResponse } from "../../../gen/grpc/agentmesh/v1/worker.ts";
import { type BidiCall, type CallOptions, Connection } from "../../../src/rpc/connection.ts";
import type { HistoryFile } from "../history.ts";

export class RecordedConnection extends Connection {
  readonly #history: HistoryFile;

  constructor(address: string, history: HistoryFile) {
    super(address);
    this.#history = history;
  }

  override bidi<Request, Response>(
    method: MethodDefinition<Request, Response>,
    options: CallOptions,
  ): BidiCall<Request, Response> {
    const call = super.bidi(method, options);
    return {
      ...call,
      send: (request) => {
        this.#tried(request as WorkRequest);
        return call.send(request);
      },
      responses: this.#heard(call.responses),
    };
  }

  #tried({ finish }: WorkRequest): void {
    for (const { term, result } of finish)
      if (term && result) this.#history.add({ what: "finishTried", ...term, outcome: result.$case });
  }

  async *#heard<Response>(responses: AsyncIterable<Response>): AsyncGenerator<Response> {
    for await (const response of responses) {
      const { leases, finished } = response as WorkResponse;
      for (const { term } of leases) if (term) this.#history.add({ what: "leased", ...term });
      for (const { term, accepted, refusal } of finished) {
        const isTold = accepted || refusal?.reason === "LEASE_LOST";
        if (term)
          this.#history.add({ what: "finishAnswered", ...term, accepted: isTold ? accepted : undefined });
      }
      yield response;
    }
  }
}
