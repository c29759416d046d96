/** Replicas of a role, any number of them in one process: bare grpc-js servers that answer GetTask, registered where a registry is named. */
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  type GetTaskRequest,
  GetTaskResponse,
  TaskServiceService,
} from "../../gen/grpc/agentmesh/v1/task.ts";
import { Announcer } from "../../src/agent/announcer.ts";
import { silentLogger } from "../../src/core/log.ts";
import { type InstanceSpec, noLoad } from "../../src/fleet/instances.ts";
import { openRedisRegistry } from "../../src/fleet/redis/registry.ts";
import { nowMicros } from "../support/now.ts";
import { roleName } from "../support/role.ts";
import { partOptions, servePart } from "../support/serve-part.ts";

export interface ReplicasOptions {
  /** Of the registry; default: there is none. */
  readonly redisUrl?: string;
}

interface Replica {
  readonly server: Server;
  readonly announcer: Announcer | undefined;
  lastCallMicros: number;
}

const { redisUrl } = partOptions<ReplicasOptions>();
const registry = redisUrl === undefined ? undefined : await openRedisRegistry({ url: redisUrl });
const replicas = new Map<number, Replica>();

/** Resolves with its port, and with when it began to register. */
async function add(): Promise<{ readonly port: number; readonly micros: number }> {
  const server = new Server();
  const getTask: handleUnaryCall<GetTaskRequest, GetTaskResponse> = ({ request }, answer) => {
    replica.lastCallMicros = nowMicros();
    answer(null, GetTaskResponse.fromPartial({ task: { id: request.taskId, workerId: String(port) } }));
  };
  server.addService(TaskServiceService, { getTask } as unknown as UntypedServiceImplementation);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const loadOf = () => noLoad;
  const announcer =
    registry && new Announcer({ registry, instances: [instanceAt(port)], loadOf, log: silentLogger });
  const replica: Replica = { server, announcer, lastCallMicros: 0 };
  replicas.set(port, replica);
  const micros = nowMicros();
  await announcer?.start();
  return { port, micros };
}

function instanceAt(port: number): InstanceSpec {
  return {
    ...{ id: `${roleName}@${port}`, role: roleName, agentId: "", address: "127.0.0.1", port, version: "1" },
    ...{ locality: { region: "", zone: "", subZone: "" }, weight: 1, labels: {}, startMs: Date.now() },
  };
}

/** Registers it as draining, and goes on serving. Resolves with when it began to. */
async function drain(port: number): Promise<number> {
  const micros = nowMicros();
  await replicas.get(port)?.announcer?.drain();
  return micros;
}

async function remove(port: number): Promise<void> {
  const replica = replicas.get(port);
  replicas.delete(port);
  await replica?.announcer?.end();
  replica?.server.forceShutdown();
}

const lastCall = (port: number) => replicas.get(port)?.lastCallMicros ?? 0;

servePart({ add, drain, remove, lastCall }, async () => {
  for (const port of replicas.keys()) await remove(port);
  await registry?.close();
});
