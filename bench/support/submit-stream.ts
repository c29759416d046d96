/** TaskService.SubmitStream as a client speaks it: batches under way, each answered by its number. */
import {
  type SubmitStreamRequest,
  type SubmitStreamResponse,
  TaskServiceService,
  type TaskSpec,
} from "../../gen/grpc/agentmesh/v1/task.ts";
import { type BidiCall, Connection } from "../../src/rpc/connection.ts";

export class SubmitStream {
  readonly #connection: Connection;
  readonly #call: BidiCall<SubmitStreamRequest, SubmitStreamResponse>;
  readonly #waiting = new Map<number, PromiseWithResolvers<readonly string[]>>();
  #batches = 0;

  constructor(address: string) {
    this.#connection = new Connection(address);
    this.#call = this.#connection.bidi(TaskServiceService.submitStream, { timeoutMs: 3_600_000 });
    void this.#read();
  }

  /** The tasks' ids; rejects where one was refused. */
  submit(specs: TaskSpec[]): Promise<readonly string[]> {
    const batchId = ++this.#batches;
    const waiting = Promise.withResolvers<readonly string[]>();
    this.#waiting.set(batchId, waiting);
    void this.#call.send({ batchId, specs });
    return waiting.promise;
  }

  close(): void {
    this.#call.end();
    this.#connection.close();
  }

  async #read(): Promise<void> {
    try {
      for await (const { batchId, results } of this.#call.responses) {
        const waiting = this.#waiting.get(batchId);
        this.#waiting.delete(batchId);
        const refused = results.find(({ refusal }) => refusal !== undefined);
        if (refused) waiting?.reject(new Error(`a task was refused: ${refused.refusal?.message}`));
        else waiting?.resolve(results.map(({ taskId }) => taskId));
      }
    } catch (error) {
      for (const { reject } of this.#waiting.values()) reject(error);
    }
  }
}
