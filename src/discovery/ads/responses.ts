/**
 * Responses as bytes. What a thousand clients are told alike is encoded once: encoding it for each took three times as long as
 * writing it. The nonce is part of the bytes, so it is one of a counter rather than one of the stream.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { typeUrlOf } from "../envoy/resources.ts";
import type { EncodedResource, ResourceKind, ResourceSet } from "../snapshot.ts";
import type { Answer } from "./subscription.ts";

export interface Response {
  readonly nonce: string;
  readonly bytes: Buffer;
}

/** As envoy.service.discovery.v3 numbers its fields. */
const discoveryResponse = { versionInfo: 1, resources: 2, typeUrl: 4, nonce: 5 };
const deltaResponse = { systemVersionInfo: 1, resources: 2, typeUrl: 4, nonce: 5, removedResources: 6 };
const deltaResource = { version: 1, resource: 2, name: 3 };

export interface DeltaAnswer {
  readonly version: string;
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/** Selections of one set that are kept for the next who asks for the same: clients of a mesh ask for a few. */
const sharedMax = 1_000;

export class Responses {
  readonly #shared = new WeakMap<ResourceSet, Map<string, Response>>();
  #count = 0;

  /** A DiscoveryResponse; one object for all who are to be told the same of one set. */
  of(kind: ResourceKind, set: ResourceSet, answer: Answer): Response {
    if (!answer.shared) return this.#encode(kind, answer);
    const kept = this.#shared.get(set) ?? new Map<string, Response>();
    this.#shared.set(set, kept);
    const isAll = answer.resources.length === set.resources.size;
    const key = isAll ? "" : keyOf(answer.resources.map(({ name }) => name));
    const response = kept.get(key) ?? this.#encode(kind, answer);
    if (kept.size < sharedMax) kept.set(key, response);
    return response;
  }

  /** A DeltaDiscoveryResponse. */
  delta(kind: ResourceKind, { version, resources, removed }: DeltaAnswer): Response {
    const nonce = this.#nonce();
    const writer = new BinaryWriter();
    writer.tag(deltaResponse.systemVersionInfo, WireType.LengthDelimited).string(version);
    for (const resource of resources) {
      writer.tag(deltaResponse.resources, WireType.LengthDelimited).fork();
      writer.tag(deltaResource.version, WireType.LengthDelimited).string(resource.version);
      writer.tag(deltaResource.resource, WireType.LengthDelimited).bytes(resource.any);
      writer.tag(deltaResource.name, WireType.LengthDelimited).string(resource.name).join();
    }
    writer.tag(deltaResponse.typeUrl, WireType.LengthDelimited).string(typeUrlOf(kind));
    writer.tag(deltaResponse.nonce, WireType.LengthDelimited).string(nonce);
    for (const name of removed)
      writer.tag(deltaResponse.removedResources, WireType.LengthDelimited).string(name);
    return { nonce, bytes: bytesOf(writer) };
  }

  #encode(kind: ResourceKind, { version, resources }: Answer): Response {
    const nonce = this.#nonce();
    const writer = new BinaryWriter();
    writer.tag(discoveryResponse.versionInfo, WireType.LengthDelimited).string(version);
    for (const { any } of resources)
      writer.tag(discoveryResponse.resources, WireType.LengthDelimited).bytes(any);
    writer.tag(discoveryResponse.typeUrl, WireType.LengthDelimited).string(typeUrlOf(kind));
    writer.tag(discoveryResponse.nonce, WireType.LengthDelimited).string(nonce);
    return { nonce, bytes: bytesOf(writer) };
  }

  #nonce(): string {
    this.#count++;
    return String(this.#count);
  }
}

function keyOf(names: readonly string[]): string {
  return [...names].sort().join("\n");
}

function bytesOf(writer: BinaryWriter): Buffer {
  const { buffer, byteOffset, byteLength } = writer.finish();
  return Buffer.from(buffer, byteOffset, byteLength);
}
