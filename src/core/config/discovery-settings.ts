/** The settings of discovery: what a control plane reads, and how clients find one. */
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { limits } from "../limits.ts";
import { type Kind, labels, optional, path, setting, text } from "./setting.ts";

/** Where a control plane reads endpoints. */
export type DiscoverySource =
  | { readonly kind: "registry" }
  | { readonly kind: "kubernetes" }
  | { readonly kind: "file"; readonly path: string };

/** Reads a checked `discovery.source`. */
export function discoverySource(said: string): DiscoverySource {
  if (said.startsWith("file:")) return { kind: "file", path: said.slice("file:".length) };
  return { kind: said as "registry" | "kubernetes" };
}

/** A relative file starts where other paths do. */
function sourceKind(): Kind<string> {
  const file = (base: string) =>
    z
      .string()
      .regex(/^file:./)
      .transform((said) => said.slice("file:".length))
      .transform((name) => `file:${isAbsolute(name) ? name : join(base, name)}`);
  return {
    schema: (base) => z.union([z.enum(["registry", "kubernetes"]), file(base)]),
    allowed: "`registry`, `kubernetes` or `file:PATH`",
    argument: "<source>",
  };
}

const addresses = /^\S+:\d{1,5}(,\S+:\d{1,5})*$/;

export const discoverySettings = Object.freeze({
  "discovery.source": setting({
    kind: sourceKind(),
    default: "registry",
    because: "every process registers its instances in the store that all of them share",
    doc: "Where the control plane reads the replicas of roles: see docs/discovery.md.",
    takenBy: ["server"],
  }),
  "discovery.policyFile": setting({
    kind: optional(path()),
    default: undefined,
    because: "the defaults suit a mesh whose replicas are alike",
    doc: "A traffic policy, followed as it changes: balancing, retries, timeouts, ejection, splits between versions.",
    flag: "policy",
    takenBy: ["server"],
  }),
  "discovery.namespace": setting({
    kind: optional(text("a namespace's name", "<namespace>", /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)),
    default: undefined,
    because: "unset, EndpointSlices of every namespace are read, which needs a ClusterRole",
    doc: "Of Kubernetes: the namespace whose EndpointSlices are read.",
    takenBy: ["server"],
  }),
  "discovery.kubeconfig": setting({
    kind: optional(path()),
    default: undefined,
    because: "unset, a pod has its service account, and a person's machine KUBECONFIG or ~/.kube/config",
    doc: "Of Kubernetes: the file that says where the cluster is.",
    takenBy: ["server"],
  }),
  "client.discovery": setting({
    kind: optional(text("HOST:PORT of each control plane, separated by commas", "<addresses>", addresses)),
    default: undefined,
    because: "a laptop's mesh has one server, and needs nobody to find it",
    doc: "The control planes that tell where replicas are; `client.server` may then be `xds:///ROLE`, and is the orchestrator's unless it is said.",
    flag: "discovery",
    takenBy: ["client"],
  }),
  "client.nodeId": setting({
    kind: optional(text("a text without spaces", "<id>", /^\S{1,512}$/)),
    default: undefined,
    because: "unset, it is the machine's name and the process's number, which tell clients apart",
    doc: "How control planes list this client. istiod wants `sidecar~IP~POD.NAMESPACE~NAMESPACE.svc.cluster.local`.",
    takenBy: ["client"],
  }),
  "client.nodeMetadata": setting({
    kind: labels({ labelsMax: limits.labelsMax, bytesMax: limits.labelBytesMax }),
    default: {},
    because: "our control plane asks for none",
    doc: "What else control planes are told of this client. istiod wants `GENERATOR=grpc` and `NAMESPACE`.",
    takenBy: ["client"],
  }),
});
