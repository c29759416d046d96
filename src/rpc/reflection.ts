/** Server reflection from the contract's own proto files, so that grpcurl and buf curl list and call everything. */
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { load } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { protoPath as healthProto } from "grpc-health-check";

const protoRoot = fileURLToPath(new URL("../../proto", import.meta.url));

let loading: Promise<ReflectionService> | undefined;

/** Read once for all servers of the process: the files do not change while it runs. */
export function reflection(): Promise<ReflectionService> {
  loading ??= loadReflection();
  return loading;
}

async function loadReflection(): Promise<ReflectionService> {
  const files = (await readdir(protoRoot, { recursive: true })).filter((file) => file.endsWith(".proto"));
  const definition = await load([...files, healthProto], { includeDirs: [protoRoot] });
  return new ReflectionService(definition);
}
