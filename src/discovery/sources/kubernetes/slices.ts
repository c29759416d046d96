/** EndpointSlices as endpoints. Pure. */
import type { V1Endpoint, V1EndpointSlice } from "@kubernetes/client-node";
import type { Endpoint, EndpointHealth } from "../../endpoint.ts";
import { grpcPortName, kubernetesLabels } from "./labels.ts";

export interface SliceOptions {
  /** Slices say zones and no regions; a cluster lies in one, mostly. */
  readonly region: string;
}

/**
 * Every endpoint of these slices. While Kubernetes moves one from a slice to another it may be in both; then the healthier counts,
 * since the other is what was known before.
 */
export function endpointsOf(slices: Iterable<V1EndpointSlice>, options: SliceOptions): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices)
    for (const endpoint of endpointsIn(slice, options)) {
      const key = `${endpoint.role} ${endpoint.address} ${endpoint.port}`;
      const other = found.get(key);
      if (!other || rankOf(endpoint.health) < rankOf(other.health)) found.set(key, endpoint);
    }
  return [...found.values()];
}

const healthOrder = Object.freeze(["HEALTHY", "DRAINING", "UNHEALTHY"] as const);

function rankOf(health: EndpointHealth): number {
  return healthOrder.indexOf(health);
}

function endpointsIn(slice: V1EndpointSlice, { region }: SliceOptions): Endpoint[] {
  const labels = slice.metadata?.labels ?? {};
  const role = labels[kubernetesLabels.role] ?? labels[kubernetesLabels.service] ?? "";
  const port = portOf(slice);
  // An FQDN slice has names, which gRPC clients refuse.
  if (role === "" || port === undefined || slice.addressType === "FQDN") return [];
  const weight = weightOf(labels[kubernetesLabels.weight]);
  const version = labels[kubernetesLabels.version] ?? "";
  return (slice.endpoints ?? []).flatMap((one) => {
    const [address] = one.addresses;
    if (address === undefined) return [];
    const locality = { region, zone: one.zone ?? "", subZone: "" };
    const id = one.targetRef?.name ?? `${address}:${port}`;
    return [{ id, role, address, port, locality, weight, version, health: healthOf(one) }];
  });
}

/** An unset `ready` is true, by the API's own words. */
function healthOf({ conditions = {} }: V1Endpoint): EndpointHealth {
  if (conditions.terminating) return "DRAINING";
  return conditions.ready === false ? "UNHEALTHY" : "HEALTHY";
}

function portOf({ ports = [] }: V1EndpointSlice): number | undefined {
  const named = ports.find(({ name }) => name === grpcPortName);
  return (named ?? (ports.length === 1 ? ports[0] : undefined))?.port;
}

function weightOf(said = "1"): number {
  const weight = Number(said);
  return Number.isInteger(weight) && weight >= 1 && weight <= 1_000 ? weight : 1;
}
