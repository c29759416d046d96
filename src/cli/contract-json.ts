/** The contract's messages as its JSON: what `--json` prints is what the HTTP edge answers. */
import { type DescMessage, fromBinary, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ListInstancesResponse } from "../../gen/grpc/agentmesh/v1/agent.ts";
import { GetDiscoveryResponse, ListDiscoveryClientsResponse } from "../../gen/grpc/agentmesh/v1/discovery.ts";
import { GetScaleResponse } from "../../gen/grpc/agentmesh/v1/scale.ts";
import {
  ExplainTaskResponse,
  QueueStatus,
  RedriveQueueResponse,
  Task,
  WatchTaskResponse,
} from "../../gen/grpc/agentmesh/v1/task.ts";
import { WatchWorkflowResponse, Workflow } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { ListInstancesResponseSchema } from "../../gen/web/agentmesh/v1/agent_pb.js";
import {
  GetDiscoveryResponseSchema,
  ListDiscoveryClientsResponseSchema,
} from "../../gen/web/agentmesh/v1/discovery_pb.js";
import { GetScaleResponseSchema } from "../../gen/web/agentmesh/v1/scale_pb.js";
import {
  ExplainTaskResponseSchema,
  QueueStatusSchema,
  RedriveQueueResponseSchema,
  TaskSchema,
  WatchTaskResponseSchema,
} from "../../gen/web/agentmesh/v1/task_pb.js";
import { WatchWorkflowResponseSchema, WorkflowSchema } from "../../gen/web/agentmesh/v1/workflow_pb.js";

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
}

function jsonBy<Message>(schema: DescMessage, codec: Codec<Message>): (message: Message) => JsonValue {
  return (message) =>
    toJson(schema, fromBinary(schema, codec.encode(message).finish()), { alwaysEmitImplicit: true });
}

export const taskJson = jsonBy(TaskSchema, Task);
export const queueJson = jsonBy(QueueStatusSchema, QueueStatus);
export const redriveJson = jsonBy(RedriveQueueResponseSchema, RedriveQueueResponse);
export const scaleJson = jsonBy(GetScaleResponseSchema, GetScaleResponse);
export const explanationJson = jsonBy(ExplainTaskResponseSchema, ExplainTaskResponse);
export const instancesJson = jsonBy(ListInstancesResponseSchema, ListInstancesResponse);
export const workflowJson = jsonBy(WorkflowSchema, Workflow);
export const taskEventJson = jsonBy(WatchTaskResponseSchema, WatchTaskResponse);
export const workflowEventJson = jsonBy(WatchWorkflowResponseSchema, WatchWorkflowResponse);
export const discoveryJson = jsonBy(GetDiscoveryResponseSchema, GetDiscoveryResponse);
export const discoveryClientsJson = jsonBy(ListDiscoveryClientsResponseSchema, ListDiscoveryClientsResponse);
