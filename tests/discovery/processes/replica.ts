/** A replica of the role coding as a process of its own, which conducts itself as its parent says. Argument: its options. */
import { GetTaskResponse, TaskServiceService } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { Announcer } from "../../../src/agent/announcer.ts";
import { MeshError } from "../../../src/core/errors.ts";
import { silentLogger } from "../../../src/core/log.ts";
import { noLoad } from "../../../src/fleet/instances.ts";
import { openRedisRegistry } from "../../../src/fleet/redis/registry.ts";
import { startGrpcServer } from "../../../src/rpc/server.ts";
import type { Conduct } from "../../client/xds/replicas.ts";

export interface ReplicaOptions {
  readonly redis: string;
  readonly ttlMs: number;
}

const { redis, ttlMs } = JSON.parse(process.argv[2] ?? "") as ReplicaOptions;
let conduct: Conduct = {};
process.on("message", (said: Conduct) => {
  conduct = said;
  process.send?.({ conduct });
});

const getTask = async ({ taskId: id }: { taskId: string }) => {
  const { delayMs = 0, code } = conduct;
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  if (code !== undefined) throw new MeshError("INTERNAL", "it fails, as it was told to");
  return GetTaskResponse.fromPartial({ task: { id, workerId: String(process.pid) } });
};

const server = await startGrpcServer({
  host: "127.0.0.1",
  port: 0,
  portSetting: "server.grpcPort",
  services: [{ name: "agentmesh.v1.TaskService", definition: TaskServiceService, handlers: { getTask } }],
  log: silentLogger,
  observe: () => {},
});
server.setServing(true);
const registry = await openRedisRegistry({ url: redis });
const instance = {
  ...{ id: `coding@${process.pid}`, role: "coding", agentId: "", address: "127.0.0.1", port: server.port },
  ...{ version: "1", locality: { region: "", zone: "", subZone: "" }, weight: 1, labels: {} },
  startMs: Date.now(),
};
const announcer = new Announcer({
  registry,
  instances: [instance],
  loadOf: () => noLoad,
  log: silentLogger,
  ttlMs,
});
await announcer.start();
process.send?.({ port: server.port });

process.once("SIGTERM", async () => {
  await announcer.drain();
  // Clients hear of it by the control plane; who has not yet, by the server's farewell.
  await server.drain(5_000);
  await announcer.end();
  await registry.close();
  process.exit(0);
});
