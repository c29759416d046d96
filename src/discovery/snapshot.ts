/**
 * What the control plane serves at one moment: a value, built and checked before anyone sees it, and encoded once for all
 * clients. Resources are named after roles; docs/discovery.md has the picture.
 */
import type { Locality } from "./endpoint.ts";

/** The four kinds of resource, in the order in which a change is sent: what is pointed at before what points to it. */
export const resourceKinds = Object.freeze(["cluster", "endpoints", "listener", "route"] as const);
export type ResourceKind = (typeof resourceKinds)[number];

/** A resource before it is encoded, in proto-loader's form: fields in snake_case, an Any as an object with `@type`. */
export type ResourceBody = Readonly<Record<string, unknown>>;

/** Resources of each kind by their names. */
export type Snapshot = Readonly<Record<ResourceKind, ReadonlyMap<string, ResourceBody>>>;

export interface EncodedResource {
  readonly name: string;
  /** A hash of `any`. */
  readonly version: string;
  /** A google.protobuf.Any that holds the resource. */
  readonly any: Buffer;
}

export interface ResourceSet {
  /** A hash of the names and versions of the resources: the same in every control plane that knows the same. */
  readonly version: string;
  readonly resources: ReadonlyMap<string, EncodedResource>;
}

export type EncodedSnapshot = Readonly<Record<ResourceKind, ResourceSet>>;

/** What the ADS server reads from. */
export interface SnapshotFeed {
  /**
   * What clients of this locality are to be told; the same object for all of one locality until the next publication, so
   * that what is made from it can be kept by it. Undefined before the first publication.
   */
  snapshotFor(locality: Locality): EncodedSnapshot | undefined;
  /**
   * A client names these. Any name that a role can have is served, with no endpoints until there are some: a client that is told
   * of none fails its calls at once, where one that is told nothing lets them hang.
   */
  want(kind: ResourceKind, names: ReadonlySet<string>): void;
  /** Calls `listener` after each publication; the answer ends that. */
  onPublish(listener: () => void): () => void;
}
