import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildSnapshot } from "../../src/discovery/build.ts";
import { type Endpoint, type Locality, localityUnknown } from "../../src/discovery/endpoint.ts";
import { encodeSnapshot } from "../../src/discovery/envoy/resources.ts";
import { readPolicy } from "../../src/discovery/read-policy.ts";
import { type ResourceBody, resourceKinds, type Snapshot } from "../../src/discovery/snapshot.ts";
import { faultsOf } from "../../src/discovery/snapshot-rules.ts";
import { anyEndpoint, endpoint } from "./endpoints.ts";

interface BuildOptions {
  readonly endpoints?: readonly Endpoint[];
  readonly policy?: string;
  readonly near?: Locality;
  readonly roles?: readonly string[];
}

function build({
  endpoints = [],
  policy = "",
  near = localityUnknown,
  roles = ["coding"],
}: BuildOptions): Snapshot {
  return buildSnapshot({ endpoints, roles, near, policy: readPolicy(policy, "policy.yaml") });
}

interface RouteBody {
  readonly match: {
    path?: string;
    prefix?: string;
    safe_regex?: { regex: string };
    headers: { name: string }[];
  };
  readonly route: {
    cluster?: string;
    weighted_clusters?: { clusters: { name: string; weight: { value: number } }[] };
    retry_policy?: { num_retries: { value: number }; retry_on: string };
    max_stream_duration?: { max_stream_duration: { seconds: string } };
    hash_policy?: { header: { header_name: string } }[];
  };
  readonly typed_per_filter_config?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function routesOf(snapshot: Snapshot, role = "coding"): RouteBody[] {
  return hostOf(snapshot, role).routes;
}

function hostOf(
  snapshot: Snapshot,
  role = "coding",
): { readonly name: string; readonly routes: RouteBody[] } {
  const { virtual_hosts } = snapshot.route.get(role) as { virtual_hosts: [ReturnType<typeof hostOf>] };
  return virtual_hosts[0];
}

/** The first route that takes a call, as a client finds it. */
function routeFor(
  snapshot: Snapshot,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): RouteBody {
  const found = routesOf(snapshot).find(({ match }) => {
    const isPath =
      match.path === path ||
      (match.prefix !== undefined && path.startsWith(match.prefix)) ||
      (match.safe_regex && new RegExp(`^${match.safe_regex.regex}$`).test(path));
    const asked = match.headers as { name: string; exact_match: string }[];
    return isPath && asked.every(({ name, exact_match }) => headers[name] === exact_match);
  });
  if (!found) throw new Error(`no route takes ${path}`);
  return found;
}

interface LocalityBody {
  readonly locality: { region: string; zone: string; sub_zone: string };
  readonly priority: number;
  readonly load_balancing_weight: { value: number };
  readonly lb_endpoints: {
    endpoint: { address: { socket_address: { port_value: number } } };
    health_status: string;
  }[];
}

function localitiesOf(snapshot: Snapshot, name = "coding"): LocalityBody[] {
  return (snapshot.endpoints.get(name) as ResourceBody).endpoints as LocalityBody[];
}

function place(region: string, zone: string): Locality {
  return { region, zone, subZone: "" };
}

const getTask = "/agentmesh.v1.TaskService/GetTask";
const submitTask = "/agentmesh.v1.TaskService/SubmitTask";
const watchTask = "/agentmesh.v1.TaskService/WatchTask";

describe("routes", () => {
  test("try idempotent calls again, others only where the caller says that they may", () => {
    const snapshot = build({ endpoints: [endpoint()] });
    expect(routeFor(snapshot, getTask).route.retry_policy).toMatchObject({
      retry_on: "unavailable",
      num_retries: { value: 2 },
    });
    expect(routeFor(snapshot, submitTask).route.retry_policy).toBeUndefined();
    const marked = routeFor(snapshot, submitTask, { "agentmesh-idempotent": "true" });
    expect(marked.route.retry_policy).toMatchObject({ num_retries: { value: 2 } });
  });

  test("have no retries where one attempt is all", () => {
    const snapshot = build({ policy: "defaults: { retries: { attemptsMax: 1 } }" });
    expect(routesOf(snapshot)).toHaveLength(1);
    expect(routeFor(snapshot, getTask).route.retry_policy).toBeUndefined();
  });

  test("have timeouts for unary calls, and none for streams", () => {
    const snapshot = build({ policy: "roles: { coding: { timeoutSeconds: 7 } }" });
    for (const path of [getTask, submitTask, "/of.my.own/Call"])
      expect(routeFor(snapshot, path).route.max_stream_duration?.max_stream_duration.seconds).toBe("7");
    expect(routeFor(snapshot, watchTask).route.max_stream_duration).toBeUndefined();
  });

  test("treat one RPC by its own policy, its service by the service's, the rest by the role's", () => {
    const policy = `
roles:
  coding:
    timeoutSeconds: 1
    rpcs:
      TaskService/*: { timeoutSeconds: 2 }
      TaskService/GetTask: { timeoutSeconds: 3 }
`;
    const snapshot = build({ policy });
    const seconds = (path: string) =>
      routeFor(snapshot, path).route.max_stream_duration?.max_stream_duration.seconds;
    expect([getTask, submitTask, "/agentmesh.v1.WorkflowService/GetWorkflow"].map(seconds)).toEqual([
      "3",
      "2",
      "1",
    ]);
  });

  test("split calls between versions by weight, and send those with a header to theirs", () => {
    const policy = `
roles:
  coding:
    versions: [{ version: "1", weight: 90 }, { version: "2", weight: 10 }]
    canaries: [{ header: x-canary, value: "yes", version: "2" }]
`;
    const endpoints = [endpoint({ version: "1" }), endpoint({ version: "2" })];
    const snapshot = build({ policy, endpoints });
    expect(routeFor(snapshot, submitTask).route.weighted_clusters?.clusters).toEqual([
      { name: "coding@1", weight: { value: 90 } },
      { name: "coding@2", weight: { value: 10 } },
    ]);
    expect(routeFor(snapshot, submitTask, { "x-canary": "yes" }).route.cluster).toBe("coding@2");
    expect(localitiesOf(snapshot, "coding@2").flatMap(({ lb_endpoints }) => lb_endpoints)).toHaveLength(1);
  });

  test("leave out a version that nobody serves, while another is served", () => {
    const policy =
      'roles: { coding: { versions: [{ version: "1", weight: 1 }, { version: "2", weight: 9 }] } }';
    const served = build({
      policy,
      endpoints: [endpoint({ version: "1" }), endpoint({ version: "2", health: "DRAINING" })],
    });
    expect(routeFor(served, getTask).route.cluster).toBe("coding@1");
    expect(routeFor(build({ policy }), getTask).route.weighted_clusters?.clusters).toHaveLength(2);
  });

  test("inject faults as the policy says", () => {
    const policy =
      "roles: { coding: { faults: { delay: { percent: 5, milliseconds: 200 }, abort: { percent: 2, code: 14 } } } }";
    const [fault] = Object.values(routeFor(build({ policy }), getTask).typed_per_filter_config ?? {});
    expect(fault).toMatchObject({
      delay: {
        percentage: { numerator: 50_000, denominator: "MILLION" },
        fixed_delay: { nanos: 200_000_000 },
      },
      abort: { grpc_status: 14, percentage: { numerator: 20_000 } },
    });
  });

  test("hash by the header that ring hash names", () => {
    const snapshot = build({
      policy: "roles: { coding: { balancing: { policy: ringHash, header: x-session } } }",
    });
    expect(routeFor(snapshot, getTask).route.hash_policy?.[0]?.header.header_name).toBe("x-session");
    expect(snapshot.cluster.get("coding")?.lb_policy).toBe("RING_HASH");
  });

  test("change the virtual host's name with their content, since grpc-js overlooks what is added to one of the same name", () => {
    const nameOf = (policy: string) => hostOf(build({ policy })).name;
    expect(nameOf("")).toBe(nameOf("roles: {}"));
    expect(nameOf("")).not.toBe(nameOf("roles: { coding: { timeoutSeconds: 1 } }"));
  });
});

describe("clusters", () => {
  test("of an RPC that is balanced otherwise stand beside the role's and share its endpoints", () => {
    const policy =
      "roles: { coding: { rpcs: { TaskService/GetTask: { balancing: { policy: roundRobin } } } } }";
    const snapshot = build({ policy, endpoints: [endpoint()] });
    const own = routeFor(snapshot, getTask).route.cluster ?? "";
    expect(own).not.toBe(routeFor(snapshot, submitTask).route.cluster);
    expect(snapshot.cluster.get(own)).toMatchObject({ lb_policy: "ROUND_ROBIN" });
    expect(snapshot.endpoints.size).toBe(1);
  });

  test("offer least request as a list that ends with what every client has", () => {
    const { load_balancing_policy, lb_policy } = build({}).cluster.get("coding") as ResourceBody;
    const text = JSON.stringify(load_balancing_policy);
    expect(lb_policy).toBe("ROUND_ROBIN");
    expect(text.indexOf("LeastRequest")).toBeLessThan(text.indexOf("agentmesh_least_request"));
    expect(text.indexOf("agentmesh_least_request")).toBeLessThan(text.indexOf("RoundRobin"));
  });
});

describe("assignments", () => {
  test("put near replicas first and leave no gap between priorities", () => {
    const endpoints = [
      endpoint({ locality: place("eu", "a") }),
      endpoint({ locality: place("us", "a") }),
      endpoint({ locality: place("us", "b") }),
    ];
    const policy = "roles: { coding: { locality: { prefer: zone } } }";
    /** Replicas by priority, as "region/zone". */
    const seen = (near: Locality, more = policy) =>
      localitiesOf(build({ endpoints, policy: more, near }))
        .sort((a, b) => a.priority - b.priority)
        .map(({ lb_endpoints }) => lb_endpoints.map(placeOf).sort());
    const placeOf = ({ endpoint: { address } }: LocalityBody["lb_endpoints"][number]) => {
      const { port_value } = address.socket_address;
      const { region, zone } = endpoints.find(({ port }) => port === port_value)?.locality ?? localityUnknown;
      return `${region}/${zone}`;
    };
    expect(seen(place("eu", "a"))).toEqual([["eu/a"], ["us/a", "us/b"]]);
    expect(seen(place("us", "b"))).toEqual([["us/b"], ["us/a"], ["eu/a"]]);
    expect(seen(place("us", "c"))).toEqual([["us/a", "us/b"], ["eu/a"]]);
    const alone = policy.replace("zone", "zone, failOver: false");
    expect(seen(place("eu", "a"), alone)).toEqual([["eu/a"]]);
    // Where nothing is near there is nothing, not the next best.
    expect(seen(place("eu", "b"), alone)).toEqual([]);
    expect(seen(localityUnknown, alone)).toEqual([]);
    // Replicas that are as near as each other are compared with each other, whatever their zones.
    expect(seen(place("eu", "a"), "")).toEqual([["eu/a", "us/a", "us/b"]]);
  });

  test("give those that take no calls no part in a locality's weight", () => {
    const endpoints = [
      endpoint({ locality: place("eu", "a") }),
      ...[1, 2, 3].map(() => endpoint({ locality: place("eu", "a"), health: "DRAINING" as const })),
      endpoint({ locality: place("eu", "b"), weight: 3 }),
      endpoint({ locality: place("eu", "b"), weight: 3, health: "UNHEALTHY" }),
    ];
    const weights = (policy: string, name?: string) =>
      localitiesOf(build({ endpoints, policy }), name).map(({ load_balancing_weight: { value } }) => value);
    expect(weights("")).toEqual([2]);
    const weighted = "defaults: { balancing: { policy: weighted } }";
    expect(weights(weighted, "coding~weighted").sort()).toEqual([1, 3]);
  });

  test("weigh replicas by capacity where they are asked to: one locality for each weight", () => {
    const endpoints = [endpoint({ weight: 1 }), endpoint({ weight: 3 }), endpoint({ weight: 3 })];
    const policy = "roles: { coding: { balancing: { policy: weighted } } }";
    const weights = localitiesOf(build({ endpoints, policy }), "coding~weighted").map((one) => ({
      total: one.load_balancing_weight.value,
      replicas: one.lb_endpoints.length,
    }));
    expect(weights.sort((a, b) => a.total - b.total)).toEqual([
      { total: 1, replicas: 1 },
      { total: 6, replicas: 2 },
    ]);
  });

  test("of two replicas with one address the healthier counts", () => {
    const endpoints = [
      endpoint({ port: 7, id: "old", health: "DRAINING" }),
      endpoint({ port: 7, id: "new", health: "HEALTHY" }),
    ];
    const [only, ...others] = localitiesOf(build({ endpoints })).flatMap(({ lb_endpoints }) => lb_endpoints);
    expect([only?.health_status, others]).toEqual(["HEALTHY", []]);
  });

  test("of a role without replicas is there and empty, so that its clients do not wait", () => {
    expect(localitiesOf(build({ roles: ["security"] }), "security")).toEqual([]);
  });
});

const anyPolicy = fc.constantFrom(
  "",
  "defaults: { locality: { prefer: zone } }",
  "roles: { coding: { locality: { prefer: region, failOver: false }, balancing: { policy: weighted } } }",
  "defaults: { outlierDetection: { enabled: false }, retries: { attemptsMax: 1 } }",
  'roles: { coding: { versions: [{ version: "1", weight: 1 }, { version: "2", weight: 1 }], rpcs: { TaskService/*: { balancing: { policy: ringHash, header: x-a } } } } }',
);
const anyLocality = anyEndpoint.map(({ locality }) => locality);

test("whatever endpoints there are, every rule holds of the snapshot, and it can be encoded", () => {
  fc.assert(
    fc.property(
      fc.array(anyEndpoint, { maxLength: 12 }),
      anyPolicy,
      anyLocality,
      (endpoints, policy, near) => {
        const snapshot = build({ endpoints, policy, near, roles: ["coding", "documentation"] });
        expect(faultsOf(snapshot)).toEqual([]);
        const encoded = encodeSnapshot(snapshot);
        for (const kind of resourceKinds) expect(encoded[kind].resources.size).toBe(snapshot[kind].size);
      },
    ),
  );
});

test("the order in which endpoints are told changes nothing", () => {
  fc.assert(
    fc.property(fc.uniqueArray(anyEndpoint, { selector: ({ id }) => id }), anyPolicy, (endpoints, policy) => {
      const versionsOf = (list: readonly Endpoint[]) => {
        const encoded = encodeSnapshot(build({ endpoints: list, policy }));
        return resourceKinds.map((kind) => encoded[kind].version);
      };
      expect(versionsOf([...endpoints].reverse())).toEqual(versionsOf(endpoints));
    }),
  );
});
