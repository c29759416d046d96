/** Replicas of a role that tell who they are, for the tests of clients that find them by xDS. */
import { Server, ServerCredentials, status, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { GetTaskResponse, TaskServiceService } from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { Endpoint } from "../../../src/discovery/endpoint.ts";
import { endpoint } from "../../discovery/endpoints.ts";

/** What a replica does with a call. */
export interface Conduct {
  /** How long it takes; default 0. */
  delayMs?: number;
  /** It fails with this status. */
  code?: number;
}

export class TestReplica {
  readonly conduct: Conduct = {};
  /** Calls that reached it. */
  calls = 0;
  port = 0;
  readonly #server = new Server();

  async start(port = 0): Promise<this> {
    const answer = (
      call: { request: { taskId: string } },
      callback: (error: object | null, value?: object) => void,
    ) => {
      this.calls++;
      const { delayMs = 0, code } = this.conduct;
      const end = () =>
        code === undefined
          ? callback(
              null,
              GetTaskResponse.fromPartial({ task: { id: call.request.taskId, workerId: String(this.port) } }),
            )
          : callback({ code, details: "it fails", name: "", message: "" });
      if (delayMs > 0) setTimeout(end, delayMs);
      else end();
    };
    const submit = (_call: unknown, callback: (error: object | null, value?: object) => void) => {
      this.calls++;
      callback({ code: status.UNAVAILABLE, details: "it goes away", name: "", message: "" });
    };
    const handlers = { getTask: answer, submitTask: submit } as unknown as UntypedServiceImplementation;
    this.#server.addService(TaskServiceService, handlers);
    this.port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    return this;
  }

  /** As an endpoint of the role coding. */
  endpoint(parts: Partial<Endpoint> = {}): Endpoint {
    return endpoint({ port: this.port, ...parts });
  }

  /** All its connections are cut. */
  kill(): void {
    this.#server.forceShutdown();
  }
}

export async function startReplicas(count: number): Promise<TestReplica[]> {
  return Promise.all(Array.from({ length: count }, () => new TestReplica().start()));
}
