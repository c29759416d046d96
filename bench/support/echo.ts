/** The bare service that the mesh's unary calls are compared with: the same messages, nothing behind them. */
import { Client, credentials } from "@grpc/grpc-js";
import { GetTaskRequest, SubmitTaskRequest } from "../../gen/grpc/agentmesh/v1/task.ts";

const encode = (message: SubmitTaskRequest) => Buffer.from(SubmitTaskRequest.encode(message).finish());
const encodeShort = (message: GetTaskRequest) => Buffer.from(GetTaskRequest.encode(message).finish());
const shape = { requestStream: false, responseStream: false, requestSerialize: encode } as const;

export const echoService = {
  echo: {
    ...shape,
    path: "/bench.Echo/Echo",
    requestDeserialize: (bytes: Buffer) => SubmitTaskRequest.decode(bytes),
    responseSerialize: encode,
    responseDeserialize: (bytes: Buffer) => SubmitTaskRequest.decode(bytes),
  },
  take: {
    ...shape,
    path: "/bench.Echo/Take",
    requestDeserialize: (bytes: Buffer) => SubmitTaskRequest.decode(bytes),
    responseSerialize: encodeShort,
    responseDeserialize: (bytes: Buffer) => GetTaskRequest.decode(bytes),
  },
};

/** A stock grpc-js client of it: no option is set. */
export class EchoClient {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure());
  }

  call(method: keyof typeof echoService, request: SubmitTaskRequest): Promise<unknown> {
    const { path, requestSerialize, responseDeserialize } = echoService[method];
    const read: (bytes: Buffer) => unknown = responseDeserialize;
    return new Promise((resolve, reject) =>
      this.#client.makeUnaryRequest(path, requestSerialize, read, request, (error, answer) =>
        error ? reject(error) : resolve(answer),
      ),
    );
  }

  close(): void {
    this.#client.close();
  }
}
