/** grpc.health.v1 as a descriptor, for reflection: it is published with grpc-health-check as text alone. */
import { create } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label;
const { STRING, MESSAGE, ENUM } = FieldDescriptorProto_Type;
const response = ".grpc.health.v1.HealthCheckResponse";

export const healthDescriptor: FileDescriptorProto = create(FileDescriptorProtoSchema, {
  name: "grpc/health/v1/health.proto",
  package: "grpc.health.v1",
  syntax: "proto3",
  messageType: [
    { name: "HealthListRequest" },
    {
      name: "HealthListResponse",
      field: [
        {
          ...{ name: "statuses", number: 1, label: REPEATED, type: MESSAGE },
          typeName: ".grpc.health.v1.HealthListResponse.StatusesEntry",
        },
      ],
      nestedType: [
        {
          name: "StatusesEntry",
          field: [
            { name: "key", number: 1, label: OPTIONAL, type: STRING },
            { name: "value", number: 2, label: OPTIONAL, type: MESSAGE, typeName: response },
          ],
          options: { mapEntry: true },
        },
      ],
    },
    {
      name: "HealthCheckRequest",
      field: [{ name: "service", number: 1, label: OPTIONAL, type: STRING }],
    },
    {
      name: "HealthCheckResponse",
      field: [
        {
          ...{ name: "status", number: 1, label: OPTIONAL, type: ENUM },
          typeName: `${response}.ServingStatus`,
        },
      ],
      enumType: [
        {
          name: "ServingStatus",
          value: [
            { name: "UNKNOWN", number: 0 },
            { name: "SERVING", number: 1 },
            { name: "NOT_SERVING", number: 2 },
            { name: "SERVICE_UNKNOWN", number: 3 },
          ],
        },
      ],
    },
  ],
  service: [
    {
      name: "Health",
      method: [
        { name: "Check", inputType: ".grpc.health.v1.HealthCheckRequest", outputType: response },
        {
          ...{ name: "Watch", inputType: ".grpc.health.v1.HealthCheckRequest", outputType: response },
          serverStreaming: true,
        },
        {
          name: "List",
          inputType: ".grpc.health.v1.HealthListRequest",
          outputType: ".grpc.health.v1.HealthListResponse",
        },
      ],
    },
  ],
});
