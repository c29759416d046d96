import { expect, test } from "vitest";
import { buildSnapshot } from "../../src/discovery/build.ts";
import { localityUnknown } from "../../src/discovery/endpoint.ts";
import type { ResourceKind, Snapshot } from "../../src/discovery/snapshot.ts";
import { faultsOf, snapshotRules } from "../../src/discovery/snapshot-rules.ts";
import { endpoint } from "./endpoints.ts";

type Damaged = Record<ResourceKind, Map<string, Record<string, unknown>>>;

function sound(): Damaged {
  const parts = { endpoints: [endpoint({ port: 1 }), endpoint({ port: 2 })], roles: ["coding"], policy: {} };
  return structuredClone(buildSnapshot({ ...parts, near: localityUnknown })) as unknown as Damaged;
}

/** Sets what stands at a path of a resource; undefined removes it. */
function at(kind: ResourceKind, path: string, value: unknown): (snapshot: Damaged) => void {
  return (snapshot) => {
    const keys = path.split(".");
    const last = keys.pop() as string;
    const body = keys.reduce<Record<string, unknown>>(
      (inner, key) => inner[key] as Record<string, unknown>,
      snapshot[kind].get("coding") as Record<string, unknown>,
    );
    if (value === undefined) delete body[last];
    else body[last] = value;
  };
}

const firstRoute = "virtual_hosts.0.routes.0";
const firstLocality = "endpoints.0";

/** Damage that each rule is there for, by the rule's name. */
const damage: Readonly<Record<string, readonly ((snapshot: Damaged) => void)[]>> = {
  listenersHaveTheirRoute: [(snapshot) => snapshot.route.delete("coding")],
  routesLeadToClusters: [
    (snapshot) => snapshot.cluster.delete("coding"),
    at("route", `${firstRoute}.route`, { weighted_clusters: { clusters: [{ name: "elsewhere" }] } }),
  ],
  routesEndWithOneForAll: [
    at("route", "virtual_hosts.0.domains", ["coding"]),
    at("route", "virtual_hosts.0.routes", []),
  ],
  routesForward: [at("route", `${firstRoute}.route`, undefined)],
  faultsHaveTheirFilter: [at("route", `${firstRoute}.typed_per_filter_config`, { "agentmesh.fault": {} })],
  retriesAreReadRightly: [
    at("route", `${firstRoute}.route.retry_policy.retry_back_off.base_interval`, { seconds: "1", nanos: 0 }),
    at("route", `${firstRoute}.route.retry_policy.retry_on`, "cancelled, unavailable"),
  ],
  clustersHaveTheirAssignment: [(snapshot) => snapshot.endpoints.delete("coding")],
  outlierDetectionIsWhole: [
    at("cluster", "outlier_detection", undefined),
    at("cluster", "outlier_detection.success_rate_stdev_factor", undefined),
  ],
  addressesAreNumbers: [
    at("endpoints", `${firstLocality}.lb_endpoints.0.endpoint.address.socket_address.address`, "localhost"),
    at("endpoints", `${firstLocality}.lb_endpoints.0.endpoint.address.socket_address.port_value`, 0),
  ],
  addressesAreNamedOnce: [
    at("endpoints", `${firstLocality}.lb_endpoints.0.endpoint.address.socket_address.port_value`, 2),
  ],
  localitiesAreWeighed: [
    at("endpoints", `${firstLocality}.load_balancing_weight`, undefined),
    at("endpoints", `${firstLocality}.locality`, undefined),
  ],
  prioritiesHaveNoGaps: [at("endpoints", `${firstLocality}.priority`, 2)],
};

test("a built snapshot breaks no rule, and every rule has damage that breaks it", () => {
  expect(faultsOf(sound() as unknown as Snapshot)).toEqual([]);
  expect(Object.keys(damage).sort()).toEqual(snapshotRules.map(({ name }) => name).sort());
});

for (const [rule, cases] of Object.entries(damage))
  for (const [place, harm] of cases.entries())
    test(`${rule} notices what it is there for (${place + 1})`, () => {
      const snapshot = sound();
      harm(snapshot);
      expect(faultsOf(snapshot as unknown as Snapshot).some((fault) => fault.startsWith(`${rule}: `))).toBe(
        true,
      );
    });
