/** The contract's files as buf described them: what reflection shows and the HTTP edge reads JSON by. */
import type { DescFile } from "@bufbuild/protobuf";
import { file_agentmesh_v1_agent } from "../../gen/web/agentmesh/v1/agent_pb.js";
import { file_agentmesh_v1_discovery } from "../../gen/web/agentmesh/v1/discovery_pb.js";
import { file_agentmesh_v1_scale } from "../../gen/web/agentmesh/v1/scale_pb.js";
import { file_agentmesh_v1_task } from "../../gen/web/agentmesh/v1/task_pb.js";
import { file_agentmesh_v1_worker } from "../../gen/web/agentmesh/v1/worker_pb.js";
import { file_agentmesh_v1_workflow } from "../../gen/web/agentmesh/v1/workflow_pb.js";
import { file_externalscaler_externalscaler } from "../../gen/web/externalscaler/externalscaler_pb.js";
import { file_google_rpc_error_details } from "../../gen/web/google/rpc/error_details_pb.js";

export const contractFiles: readonly DescFile[] = [
  file_agentmesh_v1_agent,
  file_agentmesh_v1_discovery,
  file_agentmesh_v1_scale,
  file_agentmesh_v1_task,
  file_agentmesh_v1_worker,
  file_agentmesh_v1_workflow,
  // What errors carry: clients that print them look the details up.
  file_google_rpc_error_details,
];

/** Contracts of others that are served beside ours: reflection shows them, the HTTP edge does not have them. */
export const foreignFiles: readonly DescFile[] = [file_externalscaler_externalscaler];
