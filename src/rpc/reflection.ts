/**
 * Server reflection, so that grpcurl and buf curl list and call everything. The descriptors are those that buf generated:
 * the ones that proto-loader derives have names that Go's clients refuse.
 */
import { type DescFile, toBinary } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { ReflectionService } from "@grpc/reflection";
import { contractFiles, foreignFiles } from "./contract-files.ts";
import { healthDescriptor } from "./health-descriptor.ts";

/** Reflection over the contract, of whose services `services` are listed. */
export function reflection(services: readonly string[]): ReflectionService {
  const files = [...withImports([...contractFiles, ...foreignFiles])].map((file) => file.proto);
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
