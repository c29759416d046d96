/** EndpointSlices for tests. */
import type { V1Endpoint, V1EndpointSlice } from "@kubernetes/client-node";

export interface SliceParts {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly endpoints?: readonly V1Endpoint[];
  readonly ports?: V1EndpointSlice["ports"];
  readonly addressType?: string;
}

export function slice(parts: SliceParts = {}): V1EndpointSlice {
  const { name = "coding-abc", labels = {}, endpoints = [], addressType = "IPv4" } = parts;
  const { ports = [{ name: "grpc", port: 9090 }] } = parts;
  return {
    metadata: {
      name,
      namespace: "mesh",
      labels: { "app.kubernetes.io/part-of": "agentmesh", "agentmesh.dev/role": "coding", ...labels },
    },
    addressType,
    endpoints: [...endpoints],
    ports,
  };
}

/** A pod that is ready. */
export function pod(address: string, parts: Partial<V1Endpoint> = {}): V1Endpoint {
  return { addresses: [address], conditions: { ready: true, serving: true, terminating: false }, ...parts };
}
