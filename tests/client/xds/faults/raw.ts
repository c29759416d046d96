/** grpc-js-xds as it comes, on resources as a test writes them: what its faults do without the guards of either side. */
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { register } from "@grpc/grpc-js-xds";
import { GetTaskResponse, TaskServiceService } from "../../../../gen/grpc/agentmesh/v1/task.ts";
import { anyOf } from "../../../../src/discovery/build/values.ts";
import { messageType } from "../../../../src/discovery/envoy/protos.ts";
import { encodeResource, kindOf, typeUrlOf } from "../../../../src/discovery/envoy/resources.ts";
import { type ResourceBody, type ResourceKind, resourceKinds } from "../../../../src/discovery/snapshot.ts";

register();

export type Resources = Readonly<Record<ResourceKind, readonly ResourceBody[]>>;

export interface RouteParts {
  readonly action?: ResourceBody;
  readonly domains?: readonly string[];
  /** The name of the virtual host. */
  readonly host?: string;
  /** Fields of the cluster. */
  readonly cluster?: ResourceBody;
  readonly filters?: readonly object[];
}

export const faultFilter = {
  name: "fault",
  typed_config: anyOf("envoy.extensions.filters.http.fault.v3.HTTPFault", {
    abort: { grpc_status: 10, percentage: { numerator: 100, denominator: "HUNDRED" } },
  }),
};

export const router = {
  name: "router",
  typed_config: anyOf("envoy.extensions.filters.http.router.v3.Router"),
};

/** The least that resolves: listener, route, cluster and assignment "it". */
export function resourcesOf(ports: readonly number[], parts: RouteParts = {}): Resources {
  const { action = { cluster: "it" }, domains = ["*"], host = "it", filters = [] } = parts;
  const type = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
  const manager = anyOf(type, {
    rds: { route_config_name: "it", config_source: { ads: {} } },
    http_filters: [...filters, router],
  });
  const routes = [
    { match: { prefix: "" }, ...("non_forwarding_action" in action ? action : { route: action }) },
  ];
  const lb_endpoints = ports.map((port_value) => ({
    endpoint: { address: { socket_address: { address: "127.0.0.1", port_value } } },
  }));
  return {
    listener: [{ name: "it", api_listener: { api_listener: manager } }],
    route: [{ name: "it", virtual_hosts: [{ name: host, domains, routes }] }],
    cluster: [
      {
        name: "it",
        type: "EDS",
        eds_cluster_config: { eds_config: { ads: {} } },
        lb_policy: "ROUND_ROBIN",
        ...parts.cluster,
      },
    ],
    endpoints: [
      {
        cluster_name: "it",
        endpoints: [{ locality: { region: "r" }, load_balancing_weight: { value: 1 }, lb_endpoints }],
      },
    ],
  };
}

interface Request {
  readonly type_url: string;
  readonly resource_names?: readonly string[];
  readonly response_nonce?: string;
}

type Stream = ServerDuplexStream<Request, object>;

const adsPath = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const lrsPath = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats";

/** Serves whatever it is given, deletions included, and answers load reports as it is told. */
export class RawControlPlane implements AsyncDisposable {
  readonly #server = new Server();
  readonly #wanted = new Map<Stream, Map<ResourceKind, readonly string[]>>();
  #resources: Resources | undefined;
  #sent = 0;
  #acknowledged = 0;
  port = 0;
  /** How many of the next streams end before they are answered. */
  streamsToEnd = 0;
  /** What load reports are answered with. */
  loadAnswer: object | undefined;
  readonly loads: { readonly cluster_name: string }[] = [];

  async start(): Promise<this> {
    this.#mount(adsPath, "envoy.service.discovery.v3.Discovery", (stream) => this.#serveAds(stream));
    this.#mount(lrsPath, "envoy.service.load_stats.v3.LoadStats", (stream) => this.#serveLoads(stream));
    this.port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
    return this;
  }

  /** Sends these to whoever wants them, of the kinds that are named, and resolves when all of it is acknowledged. */
  async serve(resources: Resources, kinds: readonly ResourceKind[] = resourceKinds): Promise<void> {
    this.#resources = resources;
    for (const [stream, wanted] of this.#wanted)
      for (const kind of kinds) if (wanted.has(kind)) this.#send(stream, kind, wanted.get(kind) ?? []);
    while (this.#acknowledged < this.#sent) await new Promise((resolve) => setTimeout(resolve, 5));
    // What was acknowledged is in force when the client's watchers have been told.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }

  #mount(path: string, message: string, handler: (stream: Stream) => void): void {
    const requests = messageType<Request>(`${message}Request`);
    const responses = messageType(`${message}Response`);
    this.#server.register(path, handler as never, responses.serialize, requests.deserialize, "bidi");
  }

  #serveAds(stream: Stream): void {
    stream.on("error", () => {});
    if (this.streamsToEnd > 0) {
      this.streamsToEnd--;
      stream.emit("error", { code: status.UNAVAILABLE, details: "it ends before its first answer" });
      return;
    }
    const wanted = new Map<ResourceKind, readonly string[]>();
    this.#wanted.set(stream, wanted);
    stream.on("close", () => this.#wanted.delete(stream));
    stream.on("end", () => stream.end());
    stream.on("data", ({ type_url, resource_names = [], response_nonce = "" }: Request) => {
      const kind = kindOf(type_url) as ResourceKind;
      const before = wanted.get(kind);
      wanted.set(kind, resource_names);
      if (response_nonce !== "") this.#acknowledged = Math.max(this.#acknowledged, Number(response_nonce));
      if (String(before) !== String(resource_names)) this.#send(stream, kind, resource_names);
    });
  }

  #send(stream: Stream, kind: ResourceKind, names: readonly string[]): void {
    const bodies = (this.#resources?.[kind] ?? []).filter((body) =>
      names.includes(String(body.name ?? body.cluster_name)),
    );
    const any = messageType("google.protobuf.Any");
    const resources = bodies.map((body) => any.deserialize(encodeResource(kind, "it", body).any));
    const nonce = String(++this.#sent);
    stream.write({ type_url: typeUrlOf(kind), version_info: nonce, nonce, resources });
  }

  #serveLoads(stream: Stream): void {
    stream.on("error", () => {});
    stream.on("end", () => stream.end());
    let answered = false;
    stream.on("data", ({ cluster_stats = [] }: { cluster_stats?: { cluster_name: string }[] }) => {
      this.loads.push(...cluster_stats);
      if (!answered && this.loadAnswer) stream.write(this.loadAnswer);
      answered = true;
    });
  }
}

export function bootstrapFor(port: number, server: object = {}): object {
  return {
    xds_servers: [{ server_uri: `127.0.0.1:${port}`, channel_creds: [{ type: "insecure" }], ...server }],
    node: { id: "raw", locality: {} },
  };
}

/** A client of grpc-js that has a bootstrap of its own. */
export class RawClient implements Disposable {
  readonly #client: Client;

  constructor(bootstrap: object, target = "xds:///it") {
    this.#client = new Client(target, credentials.createInsecure(), {
      "grpc.TEST_ONLY_DO_NOT_USE_IN_PROD.xds_bootstrap_config": JSON.stringify(bootstrap),
    });
  }

  /** The replica's port, or gRPC's code. */
  call(timeoutMs = 2_000): Promise<string> {
    const { path, requestSerialize } = TaskServiceService.getTask;
    const decode = (bytes: Buffer) => GetTaskResponse.decode(bytes);
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        decode,
        { taskId: "it.0" },
        { deadline: Date.now() + timeoutMs },
        (error: ServiceError | null, response?: GetTaskResponse) =>
          resolve(error ? `code ${error.code}` : (response?.task?.workerId ?? "")),
      );
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
