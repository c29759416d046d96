/** What `GET /` says: what this is, what it serves, and calls to copy. */
import type { DescService } from "@bufbuild/protobuf";

export interface FrontPageOptions {
  readonly role: string;
  readonly version: string;
  readonly services: readonly DescService[];
}

/** `authority` is where the reader reached it, such as "127.0.0.1:8080". */
export function frontPage({ role, version, services }: FrontPageOptions, authority: string): string {
  const url = `http://${authority}`;
  return [
    `agentmesh ${version}, role ${role}`,
    "",
    "Every method answers POST /SERVICE/METHOD with JSON, Connect or gRPC-web:",
    "",
    `  curl ${url}/agentmesh.v1.TaskService/ListQueues \\`,
    "    -H 'content-type: application/json' -d '{}'",
    "",
    "A method that answers with a stream needs a client of Connect, such as buf:",
    "",
    `  buf curl --schema proto ${url}/agentmesh.v1.TaskService/WatchTask \\`,
    `    -d '{"taskId": "…"}'`,
    "",
    ...services.flatMap(serviceLines),
    "gRPC, with reflection, is on a port of its own (server.grpcPort; 9090 unless it was set).",
    "",
  ].join("\n");
}

const kinds = {
  unary: "",
  server_streaming: "answers with a stream",
  client_streaming: "takes a stream: gRPC only",
  bidi_streaming: "streams both ways: gRPC only",
} as const;

function serviceLines({ typeName, methods }: DescService): string[] {
  const lines = methods.map(({ name, methodKind }) => `  ${name.padEnd(24)}${kinds[methodKind]}`.trimEnd());
  return [typeName, ...lines, ""];
}
