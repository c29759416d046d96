/** A stock grpc-js server in a process of its own that answers a SubmitTaskRequest with itself, or with a short message. */
import { type handleUnaryCall, Server, ServerCredentials } from "@grpc/grpc-js";
import { echoService } from "../support/echo.ts";
import { servePart } from "../support/serve-part.ts";

const server = new Server();
const echo: handleUnaryCall<unknown, unknown> = ({ request }, answer) => answer(null, request);
const take: handleUnaryCall<unknown, unknown> = (_, answer) => answer(null, { taskId: "bench.1" });
server.addService(echoService, { echo, take });
const port = await new Promise<number>((resolve, reject) =>
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  ),
);

servePart({ address: () => `127.0.0.1:${port}` }, () => server.forceShutdown());
