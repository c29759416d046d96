/** Routes: which calls go to which cluster, with which retries, timeout and faults. The first route that matches counts. */
import { idempotentHeader, idempotentValue } from "../../core/idempotent-call.ts";
import { type ContractRpc, contractRpcs, rpcsNamed } from "../../rpc/contract-rpcs.ts";
import type { CallPolicy, CanaryRoute, VersionSplit } from "../policy.ts";
import type { ResourceBody } from "../snapshot.ts";
import { type ClusterKey, clusterName } from "./names.ts";
import { anyOf, durationOf, fractionOf, wrapped } from "./values.ts";

/** The name of the fault filter in a listener, by which routes say what it does for them. */
export const faultFilterName = "agentmesh.fault";

export interface RouteOptions {
  readonly role: string;
  readonly calls: CallPolicy;
  /** By the name of an RPC or a service. */
  readonly rpcs: ReadonlyMap<string, CallPolicy>;
  readonly canaries: readonly CanaryRoute[];
  /** Empty: all versions alike. Those of weight 0 take nothing. */
  readonly versions: readonly VersionSplit[];
  /** RPCs that have clusters of their own. */
  readonly balanced: (rpc: string) => boolean;
}

/** Calls with certain headers, or all, and where they go. */
interface Target {
  readonly headers: readonly object[];
  readonly versions: readonly VersionSplit[];
}

export function routesOf(options: RouteOptions): ResourceBody[] {
  return targetsOf(options).flatMap((target) => [
    ...[...options.rpcs]
      .sort(exactFirst)
      .flatMap(([name, calls]) => routesOfRpc(options, target, name, calls)),
    ...routesOfRest(options, target),
  ]);
}

function targetsOf({ canaries, versions }: RouteOptions): Target[] {
  const marked = canaries.map(({ header, value, version }) => ({
    headers: [exactly(header, value)],
    versions: [{ version, weight: 1 }],
  }));
  return [...marked, { headers: [], versions }];
}

/** "TaskService/GetTask" before "TaskService/*". */
function exactFirst([a]: [string, unknown], [b]: [string, unknown]): number {
  return Number(a.endsWith("/*")) - Number(b.endsWith("/*")) || (a < b ? -1 : 1);
}

function routesOfRpc(options: RouteOptions, target: Target, name: string, calls: CallPolicy): ResourceBody[] {
  const rpc = options.balanced(name) ? name : undefined;
  return rpcsNamed(name).flatMap((method) => {
    const paths = { path: method.path };
    const plain = route({
      options,
      target,
      calls,
      rpc,
      match: paths,
      retried: method.idempotent,
      timed: !method.streams,
    });
    if (method.idempotent || method.streams || !retries(calls)) return [plain];
    return [
      route({
        options,
        target: markedIdempotent(target),
        calls,
        rpc,
        match: paths,
        retried: true,
        timed: true,
      }),
      plain,
    ];
  });
}

/**
 * Whatever no RPC's own policy has taken. A route for each path: one regular expression for all would be shorter, and costs grpc-js
 * more on every call than all these comparisons.
 */
function routesOfRest(options: RouteOptions, target: Target): ResourceBody[] {
  const { calls } = options;
  const all = { prefix: "" };
  const routes: ResourceBody[] = [];
  const shared = { options, target, calls };
  const paths = (which: (rpc: ContractRpc) => boolean) =>
    contractRpcs.filter(which).map(({ path }) => ({ path }));
  if (retries(calls))
    for (const match of paths((rpc) => rpc.idempotent && !rpc.streams))
      routes.push(route({ ...shared, match, retried: true, timed: true }));
  if (calls.timeoutSeconds > 0)
    for (const match of paths((rpc) => rpc.streams))
      routes.push(route({ ...shared, match, retried: false, timed: false }));
  if (retries(calls))
    routes.push(
      route({ ...shared, target: markedIdempotent(target), match: all, retried: true, timed: true }),
    );
  return [...routes, route({ ...shared, match: all, retried: false, timed: true })];
}

/** Those of a target's calls of which the caller says that they may be tried again. */
function markedIdempotent(target: Target): Target {
  return { ...target, headers: [...target.headers, exactly(idempotentHeader, idempotentValue)] };
}

/** By the older of the two fields for this: clients of before 2023, Debian 12's among them, refuse a route with the newer. */
function exactly(name: string, value: string): object {
  return { name, exact_match: value };
}

interface RouteParts {
  readonly options: RouteOptions;
  readonly target: Target;
  readonly calls: CallPolicy;
  readonly rpc?: string | undefined;
  readonly match: object;
  readonly retried: boolean;
  readonly timed: boolean;
}

function route({ options, target, calls, rpc, match, retried, timed }: RouteParts): ResourceBody {
  const { balancing, timeoutSeconds } = calls;
  const action: Record<string, unknown> = clustersOf(options.role, target.versions, rpc);
  if (balancing.policy === "ringHash")
    action.hash_policy = [{ header: { header_name: balancing.header }, terminal: true }];
  if (retried && retries(calls)) action.retry_policy = retryPolicyOf(calls);
  if (timed && timeoutSeconds > 0)
    action.max_stream_duration = { max_stream_duration: durationOf(timeoutSeconds * 1_000) };
  const faults = faultsOf(calls);
  return {
    match: { ...match, headers: target.headers },
    route: action,
    ...(faults && { typed_per_filter_config: { [faultFilterName]: faults } }),
  };
}

function clustersOf(role: string, versions: readonly VersionSplit[], rpc?: string): Record<string, unknown> {
  const nameOf = (version?: string) => clusterName({ role, version, rpc } as ClusterKey);
  const taking = versions.filter(({ weight }) => weight > 0);
  if (taking.length === 0) return { cluster: nameOf() };
  if (taking.length === 1) return { cluster: nameOf(taking[0]?.version) };
  const clusters = taking.map(({ version, weight }) => ({ name: nameOf(version), weight: wrapped(weight) }));
  return { weighted_clusters: { clusters } };
}

function retries({ retries: { attemptsMax } }: CallPolicy): boolean {
  return attemptsMax > 1;
}

function retryPolicyOf({ retries: { attemptsMax, backoffMs, backoffMsMax, on } }: CallPolicy): object {
  return {
    // Without spaces: grpc-js takes " unavailable" for a code that it does not know.
    retry_on: on.join(","),
    num_retries: wrapped(attemptsMax - 1),
    retry_back_off: {
      base_interval: durationOf(backoffMs),
      max_interval: durationOf(Math.max(backoffMs, backoffMsMax)),
    },
  };
}

/** Whether a policy has faults, for which a listener needs their filter. */
export function hasFaults({ faults: { delay, abort } }: CallPolicy): boolean {
  return delay !== undefined || abort !== undefined;
}

function faultsOf(calls: CallPolicy): object | undefined {
  if (!hasFaults(calls)) return undefined;
  const { delay, abort, activeMax } = calls.faults;
  return anyOf("envoy.extensions.filters.http.fault.v3.HTTPFault", {
    ...(delay && {
      delay: { fixed_delay: durationOf(delay.milliseconds), percentage: fractionOf(delay.percent) },
    }),
    ...(abort && { abort: { grpc_status: abort.code, percentage: fractionOf(abort.percent) } }),
    ...(activeMax && { max_active_faults: wrapped(activeMax) }),
  });
}
