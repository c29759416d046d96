/** What a control plane is compared with: a bare grpc-js server that answers a stream's first requests with the same bytes, and then writes one buffer to all streams. */
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { servePart } from "../support/serve-part.ts";

/** Encoded DiscoveryResponses in base64. */
export interface Said {
  /** Those that answer the first requests of a new stream. */
  readonly first: readonly string[];
  readonly pushed: string;
}

let firstBytes: readonly Buffer[] = [];
let pushedBytes = Buffer.alloc(0);
const service = "envoy.service.discovery.v3.AggregatedDiscoveryService";
const streams = new Set<ServerDuplexStream<Buffer, Buffer>>();
const server = new Server();
const same = (bytes: Buffer) => bytes;
server.addService(
  {
    streamAggregatedResources: {
      path: `/${service}/StreamAggregatedResources`,
      requestStream: true,
      responseStream: true,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  },
  {
    streamAggregatedResources(stream: ServerDuplexStream<Buffer, Buffer>) {
      let asked = 0;
      streams.add(stream);
      stream.on("data", () => {
        const bytes = firstBytes[asked];
        asked++;
        if (bytes) stream.write(bytes);
      });
      stream.on("end", () => stream.end());
      stream.on("cancelled", () => streams.delete(stream));
    },
  },
);
const port = await new Promise<number>((resolve, reject) =>
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  ),
);

function say({ first, pushed }: Said): void {
  firstBytes = first.map((text) => Buffer.from(text, "base64"));
  pushedBytes = Buffer.from(pushed, "base64");
}

function push(): void {
  for (const stream of streams) stream.write(pushedBytes);
}

servePart({ address: () => `127.0.0.1:${port}`, say, push }, () => server.forceShutdown());
