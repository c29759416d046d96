/** A client in a process of its own that calls GetTask on three replicas, by one of the ways to find them. */
import { Client, credentials } from "@grpc/grpc-js";
import { TaskServiceService } from "../../gen/grpc/agentmesh/v1/task.ts";
import { MeshClient } from "../../src/client/mesh-client.ts";
import { Timed } from "../support/latency.ts";
import { roleName } from "../support/role.ts";
import { partOptions, servePart } from "../support/serve-part.ts";

export interface CallerOptions {
  /** `xds`: MeshClient by a control plane; `static`: MeshClient with the replicas' addresses; `bare`: grpc-js with these. */
  readonly way: "xds" | "static" | "bare";
  readonly controlPlane: string;
  /** Of the replicas, separated by commas. */
  readonly addresses: string;
}

interface Calls {
  readonly calls: number;
  readonly inFlight: number;
}

const { way, controlPlane, addresses } = partOptions<CallerOptions>();
const taskId = `${roleName}.0`;
const { call, close } = way === "bare" ? bare() : meshClient();
const times = new Timed();

function meshClient() {
  const mesh = new MeshClient(
    way === "xds" ? { controlPlanes: [controlPlane], role: roleName } : { server: addresses },
  );
  return { call: () => mesh.get(taskId), close: () => mesh.close() };
}

/** As a program with generated stubs and deadlines calls. */
function bare() {
  const client = new Client(`ipv4:${addresses}`, credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  });
  const { path, requestSerialize, responseDeserialize } = TaskServiceService.getTask;
  const call = () =>
    new Promise((resolve, reject) =>
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { taskId },
        { deadline: Date.now() + 30_000 },
        (error, answer) => (error ? reject(error) : resolve(answer)),
      ),
    );
  return { call, close: () => client.close() };
}

servePart(
  {
    calls: ({ calls, inFlight }: Calls) => times.crowd(calls, inFlight, call),
    latency: () => times.latency(),
  },
  close,
);
