/**
 * What must hold of a snapshot before anyone is served it. Clients refuse some of this, some are broken by it, and some take it
 * in silence and send calls nowhere. Each rule is a function with a name, and answers with what breaks it.
 */
import { isIP } from "node:net";
import type { ResourceBody, Snapshot } from "./snapshot.ts";

export type SnapshotRule = (snapshot: Snapshot) => readonly string[];

/** All rules; a snapshot that breaks one is not published, and the last good one stays. */
export const snapshotRules: readonly SnapshotRule[] = [
  listenersHaveTheirRoute,
  routesLeadToClusters,
  routesEndWithOneForAll,
  routesForward,
  faultsHaveTheirFilter,
  retriesAreReadRightly,
  clustersHaveTheirAssignment,
  outlierDetectionIsWhole,
  addressesAreNumbers,
  addressesAreNamedOnce,
  localitiesAreWeighed,
  prioritiesHaveNoGaps,
];

/** Every fault of a snapshot, in words. */
export function faultsOf(snapshot: Snapshot): string[] {
  return snapshotRules.flatMap((rule) => rule(snapshot).map((fault) => `${rule.name}: ${fault}`));
}

/** A client that finds no route waits until it gives up. */
function listenersHaveTheirRoute({ listener, route }: Snapshot): string[] {
  return [...listener]
    .filter(([, body]) => !route.has(routeNameOf(body)))
    .map(([name, body]) => `listener ${name} names route ${routeNameOf(body)}, which is not there`);
}

/** Calls to a cluster that is not there wait for 15 s and fail. */
function routesLeadToClusters(snapshot: Snapshot): string[] {
  return routesIn(snapshot).flatMap(({ name, action }) =>
    clustersOf(action)
      .filter((cluster) => !snapshot.cluster.has(cluster))
      .map((cluster) => `route ${name} leads to cluster ${cluster}, which is not there`),
  );
}

/** A call that no route takes fails, or waits to its deadline. */
function routesEndWithOneForAll({ route }: Snapshot): string[] {
  return [...route].flatMap(([name, body]) =>
    list(body.virtual_hosts).flatMap((host) => {
      const faults = list(host.domains as never).includes("*" as never)
        ? []
        : [`route ${name} does not have domain *`];
      const match = list(host.routes).at(-1)?.match as ResourceBody | undefined;
      const forAll = match?.prefix === "" && list(match.headers).length === 0;
      return forAll ? faults : [...faults, `route ${name} does not end with one for all calls`];
    }),
  );
}

/** grpc-js ends its process on a route that is a server's (`non_forwarding_action`). */
function routesForward(snapshot: Snapshot): string[] {
  return routesIn(snapshot)
    .filter(({ action }) => clustersOf(action).length === 0)
    .map(({ name }) => `route ${name} has an action that names no cluster`);
}

/** Faults of a route whose listener has no filter for them never happen. */
function faultsHaveTheirFilter({ listener, route }: Snapshot): string[] {
  return [...listener].flatMap(([name, body]) => {
    const filters = new Set(list(managerOf(body)?.http_filters).map((filter) => filter.name));
    const hosts = list(route.get(routeNameOf(body))?.virtual_hosts);
    const named = hosts
      .flatMap((host) => list(host.routes))
      .flatMap((one) => Object.keys((one.typed_per_filter_config ?? {}) as object));
    return [...new Set(named)]
      .filter((filter) => !filters.has(filter))
      .map((filter) => `listener ${name} has no filter ${filter}, which its routes speak of`);
  });
}

/** grpc-js reads an interval of a whole second as ten, and knows no code that has a space before it. */
function retriesAreReadRightly(snapshot: Snapshot): string[] {
  return routesIn(snapshot).flatMap(({ name, action }) => {
    const retry = action.retry_policy as ResourceBody | undefined;
    if (retry === undefined) return [];
    const backoff = retry.retry_back_off as Readonly<Record<string, ResourceBody>>;
    const long = Object.values(backoff).some(({ seconds }) => Number(seconds) !== 0);
    return [
      ...(long ? [`route ${name} has a retry interval of a second or more`] : []),
      ...(/\s/.test(String(retry.retry_on)) ? [`route ${name} has a space in retry_on`] : []),
    ];
  });
}

/** A client waits for an assignment that does not come. */
function clustersHaveTheirAssignment({ cluster, endpoints }: Snapshot): string[] {
  return [...cluster]
    .map(([name, body]) => ({
      name,
      assignment: String((body.eds_cluster_config as ResourceBody)?.service_name),
    }))
    .filter(({ assignment }) => !endpoints.has(assignment))
    .map(({ name, assignment }) => `cluster ${name} names assignment ${assignment}, which is not there`);
}

const outlierFields = [
  "interval",
  "base_ejection_time",
  "max_ejection_time",
  "max_ejection_percent",
  "enforcing_success_rate",
  "success_rate_minimum_hosts",
  "success_rate_request_volume",
  "success_rate_stdev_factor",
  "enforcing_failure_percentage",
  "failure_percentage_threshold",
  "failure_percentage_minimum_hosts",
  "failure_percentage_request_volume",
] as const;

/** grpc-js ends its process where fields of the success rate are missing, and overlooks fields that come later. */
function outlierDetectionIsWhole({ cluster }: Snapshot): string[] {
  return [...cluster].flatMap(([name, body]) => {
    const said = (body.outlier_detection ?? {}) as ResourceBody;
    const missing = outlierFields.filter((field) => said[field] === undefined);
    return missing.length === 0 ? [] : [`cluster ${name} leaves out outlier_detection.${missing.join(", ")}`];
  });
}

/** Clients refuse host names. */
function addressesAreNumbers(snapshot: Snapshot): string[] {
  return addressesIn(snapshot)
    .filter(({ address, port }) => isIP(address) === 0 || !(port >= 1 && port <= 65_535))
    .map(({ name, address, port }) => `assignment ${name} has ${address}:${port}, no IP address and port`);
}

/** Clients refuse an assignment with one address twice. */
function addressesAreNamedOnce(snapshot: Snapshot): string[] {
  const seen = new Set<string>();
  return addressesIn(snapshot).flatMap(({ name, address, port }) => {
    const key = `${name} ${address} ${port}`;
    if (seen.has(key)) return [`assignment ${name} has ${address}:${port} twice`];
    seen.add(key);
    return [];
  });
}

/** An unweighed locality is dropped in silence. */
function localitiesAreWeighed(snapshot: Snapshot): string[] {
  return localitiesIn(snapshot)
    .filter(({ body }) => !((body.load_balancing_weight as { value?: number })?.value ?? 0) || !body.locality)
    .map(({ name }) => `assignment ${name} has a locality without name or weight`);
}

/** Clients refuse priority 2 where there is no 1. */
function prioritiesHaveNoGaps({ endpoints }: Snapshot): string[] {
  return [...endpoints].flatMap(([name, body]) => {
    const priorities = new Set(list(body.endpoints).map(({ priority }) => Number(priority ?? 0)));
    return [...priorities].every((priority) => priority === 0 || priorities.has(priority - 1))
      ? []
      : [`assignment ${name} has priorities ${[...priorities].join(", ")}, with a gap`];
  });
}

function list(value: unknown): readonly ResourceBody[] {
  return (value ?? []) as readonly ResourceBody[];
}

interface Manager {
  readonly rds?: { readonly route_config_name?: string };
  readonly http_filters?: readonly ResourceBody[];
}

function managerOf(listener: ResourceBody): Manager | undefined {
  return (listener.api_listener as { readonly api_listener?: Manager })?.api_listener;
}

function routeNameOf(listener: ResourceBody): string {
  return managerOf(listener)?.rds?.route_config_name ?? "";
}

function routesIn({ route }: Snapshot): { readonly name: string; readonly action: ResourceBody }[] {
  return [...route].flatMap(([name, body]) =>
    list(body.virtual_hosts)
      .flatMap((host) => list(host.routes))
      .map((one) => ({ name, action: (one.route ?? {}) as ResourceBody })),
  );
}

function clustersOf(action: ResourceBody): string[] {
  if (action.cluster !== undefined) return [String(action.cluster)];
  return list((action.weighted_clusters as ResourceBody)?.clusters).map(({ name }) => String(name));
}

function localitiesIn({ endpoints }: Snapshot): { readonly name: string; readonly body: ResourceBody }[] {
  return [...endpoints].flatMap(([name, assignment]) =>
    list(assignment.endpoints).map((body) => ({ name, body })),
  );
}

function addressesIn(snapshot: Snapshot) {
  return localitiesIn(snapshot).flatMap(({ name, body }) =>
    list(body.lb_endpoints).map(({ endpoint }) => {
      const { socket_address } = (endpoint as { address: { socket_address: ResourceBody } }).address;
      return { name, address: String(socket_address.address), port: Number(socket_address.port_value) };
    }),
  );
}
