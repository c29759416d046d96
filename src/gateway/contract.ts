/** The contract as protobuf-es describes it: what turns JSON into the bytes that the services' own definitions read. */
import { createRegistry, type DescService } from "@bufbuild/protobuf";
import { contractFiles } from "../rpc/contract-files.ts";

const contract = createRegistry(...contractFiles);

/** The service of this name, such as "agentmesh.v1.TaskService". */
export function describedService(name: string): DescService {
  const service = contract.getService(name);
  if (!service) throw new Error(`${name} is mounted on the edge and is not in src/rpc/contract-files.ts`);
  return service;
}
