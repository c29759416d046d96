/** Sets of resources for the tests of subscriptions. */
import type { EncodedResource, ResourceSet } from "../../../src/discovery/snapshot.ts";

/** By name, the version that each has. */
export function setOf(versions: Readonly<Record<string, string>>): ResourceSet {
  const resources = Object.entries(versions).map(([name, version]): [string, EncodedResource] => [
    name,
    { name, version, any: Buffer.from(`${name} ${version}`) },
  ]);
  return { version: JSON.stringify(versions), resources: new Map(resources) };
}

/** "name version", in order. */
export function shown(resources: readonly EncodedResource[] | undefined): string[] | undefined {
  return resources?.map(({ name, version }) => `${name} ${version}`);
}
