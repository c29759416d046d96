/** The contract's RPCs as policies name them ("TaskService/GetTask"), and which of them may be tried again. */
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { contractFiles } from "./contract-files.ts";

export interface ContractRpc {
  /** "TaskService/GetTask". */
  readonly name: string;
  /** "/agentmesh.v1.TaskService/GetTask", as it is called. */
  readonly path: string;
  /** A second try changes nothing that the first did not. */
  readonly idempotent: boolean;
  /** Streams are never tried again once they have begun, and have no timeout of their own. */
  readonly streams: boolean;
}

export const contractRpcs: readonly ContractRpc[] = Object.freeze(
  contractFiles
    .flatMap((file) => file.services)
    .flatMap((service) =>
      service.methods.map((method) => ({
        name: `${service.name}/${method.name}`,
        path: `/${service.typeName}/${method.name}`,
        idempotent: method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN,
        streams: method.methodKind !== "unary",
      })),
    ),
);

/** The RPCs that "TaskService/GetTask" or "TaskService/*" names; empty: there are none. */
export function rpcsNamed(name: string): readonly ContractRpc[] {
  if (!name.endsWith("/*")) return contractRpcs.filter((rpc) => rpc.name === name);
  const service = name.slice(0, -1);
  return contractRpcs.filter((rpc) => rpc.name.startsWith(service));
}
