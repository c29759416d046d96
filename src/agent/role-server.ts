/** One role's gRPC server: every service of the contract over the shared queue, with the role's own queue as the default. */
import { AgentServiceService } from "../../gen/grpc/agentmesh/v1/agent.ts";
import { TaskServiceService } from "../../gen/grpc/agentmesh/v1/task.ts";
import { WorkerServiceService } from "../../gen/grpc/agentmesh/v1/worker.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import type { InstanceRegistry } from "../fleet/instances.ts";
import { instanceHandlers } from "../fleet/service/agent-service.ts";
import type { Offload } from "../queue/offload.ts";
import type { Queue } from "../queue/queue.ts";
import type { Catalog } from "../queue/service/catalog.ts";
import { type TaskServiceOptions, taskService } from "../queue/service/task-service.ts";
import { workerService } from "../queue/service/worker-service.ts";
import type { CallObserver } from "../rpc/mount.ts";
import { type ConnectionAge, type GrpcServer, type MountedService, startGrpcServer } from "../rpc/server.ts";
import { unservedService } from "../rpc/unserved.ts";

export interface RoleServerOptions {
  readonly role: string;
  readonly host: string;
  readonly port: number;
  readonly connectionAge?: ConnectionAge;
  readonly queue: Queue;
  readonly catalog: Catalog;
  /** The instances that every server of the mesh knows. */
  readonly registry: InstanceRegistry;
  readonly clock: Clock;
  readonly payloadBytesMax: number;
  /** Where larger payloads go; unset: they are refused. */
  readonly offload?: Offload;
  readonly log: Logger;
  readonly observe: CallObserver;
  /** Aborts when the process begins to drain. */
  readonly draining: AbortSignal;
  /** Services that stand above this folder, such as WorkflowService. */
  readonly more: (options: TaskServiceOptions) => readonly MountedService[];
  /** Services that are none of the contract's, and are served by gRPC alone: xDS. Default: none. */
  readonly foreign?: readonly MountedService[];
}

/** What this role serves of the contract, whatever transport asks. */
export function roleServices(options: RoleServerOptions): MountedService[] {
  const { role, queue, catalog, registry, clock, offload, log, draining } = options;
  const payloadBytesMax = offload?.payloadBytesMax ?? options.payloadBytesMax;
  const shared = { queue, catalog, clock, payloadBytesMax, offload, roleDefault: role };
  const serverId = `${role}@${process.pid}`;
  return [
    { name: "agentmesh.v1.TaskService", definition: TaskServiceService, handlers: taskService(shared) },
    {
      name: "agentmesh.v1.WorkerService",
      definition: WorkerServiceService,
      handlers: workerService({ ...shared, serverId, log, draining }),
    },
    {
      name: "agentmesh.v1.AgentService",
      definition: AgentServiceService,
      handlers: {
        ...unservedService(AgentServiceService),
        ...instanceHandlers({ registry, clock, draining }),
      },
    },
    ...options.more(shared),
  ];
}

export function startRoleServer(options: RoleServerOptions): Promise<GrpcServer> {
  const { host, port, connectionAge, log, observe } = options;
  return startGrpcServer({
    host,
    port,
    connectionAge,
    portSetting: "server.grpcPort",
    services: [...roleServices(options), ...(options.foreign ?? [])],
    log,
    observe,
  });
}
