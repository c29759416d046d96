/**
 * Server reflection, so that grpcurl and buf curl list and call everything. The descriptors are those that buf generated:
 * the ones that proto-loader derives have names that Go's clients refuse.
 */
import { type DescFile, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { ReflectionService } from "@grpc/reflection";
import { file_agentmesh_v1_agent } from "../../gen/web/agentmesh/v1/agent_pb.js";
import { file_agentmesh_v1_task } from "../../gen/web/agentmesh/v1/task_pb.js";
import { file_agentmesh_v1_worker } from "../../gen/web/agentmesh/v1/worker_pb.js";
import { file_agentmesh_v1_workflow } from "../../gen/web/agentmesh/v1/workflow_pb.js";
import { file_google_rpc_error_details } from "../../gen/web/google/rpc/error_details_pb.js";
import { healthDescriptor } from "./health-descriptor.ts";

const contract: readonly DescFile[] = [
  file_agentmesh_v1_agent,
  file_agentmesh_v1_task,
  file_agentmesh_v1_worker,
  file_agentmesh_v1_workflow,
  // What errors carry: clients that print them look the details up.
  file_google_rpc_error_details,
];

/** Reflection over the contract, of whose services `services` are listed. */
export function reflection(services: readonly string[]): ReflectionService {
  const files = [...withImports(contract)].map((file) => file.proto);
  return new ReflectionService(packageOf([...files, healthDescriptor]), {
    services: [...services, "grpc.health.v1.Health"],
  });
}

function withImports(files: readonly DescFile[]): Set<DescFile> {
  const all = new Set(files);
  for (const file of all) for (const imported of file.dependencies) all.add(imported);
  return all;
}

type Package = ConstructorParameters<typeof ReflectionService>[0];

/** A loaded package, of which ReflectionService reads the files' bytes alone. */
function packageOf(files: readonly FileDescriptorProto[]): Package {
  const fileDescriptorProtos = files.map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file)));
  return { files: { fileDescriptorProtos } as Package[string] };
}
