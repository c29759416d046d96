/**
 * A worker as any language would write it: one WorkerService stream that grants credit and ends what it is handed, at once,
 * all that came in one message in one message.
 */
import type { TaskOutcome, WorkResponse } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { WorkerServiceService, WorkRequest } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { type BidiCall, Connection } from "../../src/rpc/connection.ts";
import { roleName } from "./role.ts";

type Lease = WorkResponse["leases"][number];
export type Outcome = NonNullable<TaskOutcome["result"]>;

export interface WorkStreamOptions {
  readonly address: string;
  readonly workerId: string;
  /** At the beginning. */
  readonly credit: number;
  /** False: credit is granted by {@link WorkStream.grant} alone; default: each end grants one more. */
  readonly isRegranted?: boolean;
  /** How a task ends; told as it arrives. */
  readonly end: (lease: Lease) => Outcome;
  /** Told of each end that the server took. */
  readonly accepted: () => void;
}

export const succeeded: Outcome = { $case: "succeeded", value: { output: undefined } };

export class WorkStream {
  readonly #options: WorkStreamOptions;
  readonly #connection: Connection;
  readonly #call: BidiCall<WorkRequest, WorkResponse>;
  /** Resolves when the server has said welcome. */
  readonly welcomed = Promise.withResolvers<void>();

  constructor(options: WorkStreamOptions) {
    this.#options = options;
    this.#connection = new Connection(options.address);
    this.#call = this.#connection.bidi(WorkerServiceService.work, { timeoutMs: 3_600_000 });
    void this.#read();
    const { workerId, credit } = options;
    this.#send({ hello: { role: roleName, workerId, version: "bench", slots: Math.max(1, credit) }, credit });
  }

  close(): void {
    this.#call.cancel();
    this.#connection.close();
  }

  grant(credit: number): void {
    this.#send({ credit });
  }

  #send(request: Parameters<typeof WorkRequest.fromPartial>[0]): void {
    void this.#call.send(WorkRequest.fromPartial(request));
  }

  async #read(): Promise<void> {
    try {
      for await (const { welcome, leases, finished } of this.#call.responses) {
        if (welcome) this.welcomed.resolve();
        if (leases.length > 0) {
          const finish = leases.map((lease) => ({ term: lease.term, result: this.#options.end(lease) }));
          const credit = this.#options.isRegranted === false ? 0 : leases.length;
          void this.#call.send(WorkRequest.create({ finish, credit }));
        }
        for (const { accepted, refusal, term } of finished) {
          if (!accepted) throw new Error(`the end of ${term?.taskId} was refused: ${refusal?.message}`);
          this.#options.accepted();
        }
      }
    } catch (error) {
      if (!isCanceled(error)) throw error;
    }
  }
}

function isCanceled(error: unknown): boolean {
  return (error as { reason?: string }).reason === "CALL_CANCELED";
}
