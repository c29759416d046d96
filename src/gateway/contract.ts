/** The contract as protobuf-es describes it: what turns JSON into the bytes that the services' own definitions read. */
import { createRegistry, type DescService } from "@bufbuild/protobuf";
import { file_agentmesh_v1_agent } from "../../gen/web/agentmesh/v1/agent_pb.js";
import { file_agentmesh_v1_task } from "../../gen/web/agentmesh/v1/task_pb.js";
import { file_agentmesh_v1_worker } from "../../gen/web/agentmesh/v1/worker_pb.js";
import { file_agentmesh_v1_workflow } from "../../gen/web/agentmesh/v1/workflow_pb.js";

const contract = createRegistry(
  file_agentmesh_v1_agent,
  file_agentmesh_v1_task,
  file_agentmesh_v1_worker,
  file_agentmesh_v1_workflow,
);

/** The service of this name, such as "agentmesh.v1.TaskService". */
export function describedService(name: string): DescService {
  const service = contract.getService(name);
  if (!service) throw new Error(`${name} is mounted on the edge and is not in src/gateway/contract.ts`);
  return service;
}
