/** Resources on the wire: their type URLs, and their encoding as google.protobuf.Any. */
import { createHash } from "node:crypto";
import {
  type EncodedResource,
  type EncodedSnapshot,
  type ResourceBody,
  type ResourceKind,
  type ResourceSet,
  resourceKinds,
  type Snapshot,
} from "../snapshot.ts";
import { messageType } from "./protos.ts";

const messageNames = Object.freeze({
  cluster: "envoy.config.cluster.v3.Cluster",
  endpoints: "envoy.config.endpoint.v3.ClusterLoadAssignment",
  listener: "envoy.config.listener.v3.Listener",
  route: "envoy.config.route.v3.RouteConfiguration",
} satisfies Record<ResourceKind, string>);

const urlPrefix = "type.googleapis.com/";

export function typeUrlOf(kind: ResourceKind): string {
  return `${urlPrefix}${messageNames[kind]}`;
}

/** The kind that a type URL names; undefined for one that this control plane does not serve. */
export function kindOf(typeUrl: string): ResourceKind | undefined {
  return resourceKinds.find((kind) => typeUrlOf(kind) === typeUrl);
}

/** Throws where the body has a field of the wrong type. */
export function encodeResource(kind: ResourceKind, name: string, body: ResourceBody): EncodedResource {
  const value = messageType(messageNames[kind]).serialize(body);
  const any = messageType("google.protobuf.Any").serialize({ type_url: typeUrlOf(kind), value });
  return { name, version: hashOf([any]), any };
}

export function encodeSnapshot(snapshot: Snapshot): EncodedSnapshot {
  const sets = resourceKinds.map((kind) => [kind, encodeKind(kind, snapshot[kind])]);
  return Object.freeze(Object.fromEntries(sets) as Record<ResourceKind, ResourceSet>);
}

function encodeKind(kind: ResourceKind, bodies: ReadonlyMap<string, ResourceBody>): ResourceSet {
  const resources = new Map<string, EncodedResource>();
  for (const name of [...bodies.keys()].sort())
    resources.set(name, encodeResource(kind, name, bodies.get(name) as ResourceBody));
  const version = hashOf([...resources.values()].flatMap((resource) => [resource.name, resource.version]));
  return { version, resources };
}

const hashCharacters = 16;

/** The same for the same parts, in every process. */
export function hashOf(parts: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("base64url").slice(0, hashCharacters);
}
