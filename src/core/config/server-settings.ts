/** The rows of the table of settings that say where a process listens, and what others are told of it. */
import { limits } from "../limits.ts";
import { podPorts } from "../ports.ts";
import { ipAddress, optional, port, setting, text, whole } from "./setting.ts";

/** As Kubernetes and clouds name them. */
function topologyName(what: string) {
  return text(`a ${what}'s name`, `<${what}>`, /^[\w.-]{1,128}$/);
}

export const serverSettings = Object.freeze({
  "server.host": setting({
    kind: text("an address of this machine, or `0.0.0.0` for all", "<address>"),
    default: "127.0.0.1",
    because: "a mesh on a laptop must not be open to its network unasked; the manifests set 0.0.0.0",
    doc: "The address that every listener binds to.",
    flag: "host",
    takenBy: ["server"],
  }),
  "server.httpPort": setting({
    kind: port(),
    default: podPorts.http.port,
    because: "the customary port of HTTP without privileges",
    doc: `The port of ${podPorts.http.serves}.`,
    flag: "http-port",
    takenBy: ["server"],
  }),
  "server.grpcPort": setting({
    kind: port(),
    default: podPorts.grpc.port,
    because: "the customary port of gRPC behind a mesh",
    doc: "The gRPC port of the first role; the next roles of one process follow in steps of 100.",
    flag: "grpc-port",
    takenBy: ["server"],
  }),
  "server.metricsPort": setting({
    kind: port(),
    default: podPorts.metrics.port,
    because: "apart from the gRPC port, so that a mesh's mutual TLS does not shut Prometheus out",
    doc: `The port of ${podPorts.metrics.serves}.`,
    flag: "metrics-port",
    takenBy: ["server", "worker"],
  }),
  "server.healthPort": setting({
    kind: port(),
    default: podPorts.health.port,
    because: "apart from the HTTP port, so that a busy edge does not make a pod look dead",
    doc: `The port of ${podPorts.health.serves}.`,
    flag: "health-port",
    takenBy: ["server", "worker"],
  }),
  "server.connectionAgeSeconds": setting({
    kind: whole({ min: 1, max: 86_400, argument: "<seconds>" }),
    default: 1_800,
    because: "a client whose connections last for ever never finds the replicas that came after it",
    doc: "A connection of gRPC takes no new calls after this long, give or take a tenth: its client turns to another.",
    takenBy: ["server"],
  }),
  "server.connectionGraceSeconds": setting({
    kind: whole({ min: 1, max: 3_600, argument: "<seconds>" }),
    default: 60,
    because: "calls that answer are done by then; streams are taken up again where they were",
    doc: "How long the calls of a connection that is too old may go on before they are cut.",
    takenBy: ["server"],
  }),
  "server.advertise": setting({
    kind: optional(ipAddress()),
    default: undefined,
    because:
      "unset, it is `server.host`, or, where that means every address, the machine's first that is not internal: the log says which",
    doc: "The address that this process's instances are registered with: others dial it.",
    flag: "advertise",
    takenBy: ["server"],
  }),
  "server.region": setting({
    kind: optional(topologyName("region")),
    default: undefined,
    because: "one machine has no topology; the manifests take it from the node's labels",
    doc: "The region that this process runs in: clients are led to instances near them.",
    takenBy: ["server"],
  }),
  "server.zone": setting({
    kind: optional(topologyName("zone")),
    default: undefined,
    because: "one machine has no topology; the manifests take it from the node's labels",
    doc: "The zone of `server.region` that this process runs in.",
    takenBy: ["server"],
  }),
  "server.subZone": setting({
    kind: optional(topologyName("sub-zone")),
    default: undefined,
    because: "one machine has no topology; the manifests take it from the node's labels",
    doc: "The part of `server.zone`, a rack say, that this process runs in.",
    takenBy: ["server"],
  }),
  "server.weight": setting({
    kind: whole({ min: 1, max: limits.instanceWeightMax }),
    default: 1,
    because: "replicas on machines of one kind can do the same",
    doc: "How much this process's instances can do, relative to the role's others: they get calls in this proportion.",
    takenBy: ["server"],
  }),
  "server.version": setting({
    kind: optional(text("a version's name", "<version>", /^[\w.+:@-]{1,128}$/)),
    default: undefined,
    because: "unset, it is the version of agentmesh; your own roles may have one of their own",
    doc: "The version that this process's instances are registered with: traffic can be split by it.",
    takenBy: ["server"],
  }),
});
