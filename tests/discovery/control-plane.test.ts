import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ControlPlane } from "../../src/discovery/control-plane.ts";
import { localityUnknown } from "../../src/discovery/endpoint.ts";
import { HandSource } from "../support/control-plane.ts";
import { endpoint } from "./endpoints.ts";

const log = pino({ level: "silent" });
const gatherMs = 100;

interface Opened {
  readonly source: HandSource;
  readonly plane: ControlPlane;
  /** How often listeners were told. */
  readonly told: () => number;
}

function open(roles: readonly string[] = ["coding"]): Opened {
  const source = new HandSource();
  const clock = { now: () => Date.now() };
  const plane = new ControlPlane({ source, roles, policyFile: "policy.yaml", clock, log, gatherMs });
  let told = 0;
  plane.onPublish(() => told++);
  plane.start();
  return { source, plane, told: () => told };
}

/** The ports that clients are sent to. */
function portsOf(plane: ControlPlane, role = "coding"): number[] {
  const { parts } = plane.state?.publication ?? {};
  return (parts?.endpoints ?? []).filter((one) => one.role === role).map(({ port }) => port);
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("nothing is served before the source has told its list, and then at once", () => {
  const { source, plane } = open();
  plane.setPolicy("");
  expect([plane.state, plane.snapshotFor(localityUnknown)]).toEqual([undefined, undefined]);
  source.tell.changed([endpoint({ port: 1 })]);
  vi.advanceTimersByTime(0);
  expect(portsOf(plane)).toEqual([1]);
  expect(plane.snapshotFor(localityUnknown)?.listener.resources.has("coding")).toBe(true);
});

test("changes that come together are published together", () => {
  const { source, plane, told } = open();
  source.tell.changed([]);
  vi.advanceTimersByTime(0);
  const before = told();
  for (let port = 1; port <= 50; port++) source.tell.changed([endpoint({ port })]);
  expect(portsOf(plane)).toEqual([]);
  vi.advanceTimersByTime(gatherMs);
  expect([portsOf(plane), told() - before]).toEqual([[50], 1]);
});

test("what changes nothing leaves the publication as it is", () => {
  const { source, plane } = open();
  const same = endpoint({ port: 1 });
  source.tell.changed([same]);
  vi.advanceTimersByTime(0);
  const first = plane.snapshotFor(localityUnknown);
  source.tell.changed([{ ...same }]);
  vi.advanceTimersByTime(gatherMs);
  expect(plane.snapshotFor(localityUnknown)).toBe(first);
});

test("a policy that is refused changes nothing but what the state says of it", () => {
  const { source, plane } = open();
  source.tell.changed([endpoint()]);
  vi.advanceTimersByTime(0);
  expect(plane.setPolicy("roles: { coding: { timeoutSeconds: 5 } }")).toBeUndefined();
  const { version } = plane.state?.publication ?? {};
  const refusal = plane.setPolicy("roles: { coding: { timeout: 5 } }");
  expect(refusal?.reason).toBe("INVALID_POLICY");
  expect(plane.state?.policy.error).toContain("policy.yaml:1");
  expect(plane.state?.publication.version).toBe(version);
  expect(plane.state?.publication.parts.policy.roles?.coding?.timeoutSeconds).toBe(5);
  expect(plane.setPolicy("")).toBeUndefined();
  expect([plane.state?.policy.error, plane.state?.publication.version === version]).toEqual([
    undefined,
    false,
  ]);
});

test("an outage of the source keeps what it told last, and says so until it is back", () => {
  const { source, plane } = open();
  source.tell.changed([endpoint({ port: 1 })]);
  vi.advanceTimersByTime(0);
  source.tell.failed(new Error("the store is away"));
  expect([portsOf(plane), plane.state?.sourceError]).toEqual([[1], "the store is away"]);
  source.tell.changed([]);
  vi.advanceTimersByTime(gatherMs);
  expect([portsOf(plane), plane.state?.sourceError]).toEqual([[], undefined]);
});

test("a role that a client dials is served at once, with no endpoints, whoever knows of it", () => {
  const { source, plane } = open();
  source.tell.changed([endpoint()]);
  vi.advanceTimersByTime(0);
  plane.want("listener", new Set(["codng", "no role!"]));
  plane.want("cluster", new Set(["coding@2"]));
  const snapshot = plane.snapshotFor(localityUnknown);
  expect([...(snapshot?.listener.resources.keys() ?? [])]).toEqual(["coding", "codng"]);
  expect(snapshot?.endpoints.resources.has("codng")).toBe(true);
});

test("names without end cost a few publications, and leave the last of them", () => {
  const { source, plane } = open();
  source.tell.changed([endpoint()]);
  vi.advanceTimersByTime(0);
  let published = 0;
  plane.onPublish(() => void published++);
  for (let asked = 0; asked < 1_000; asked++) plane.want("listener", new Set([`role-${asked}`]));
  vi.advanceTimersByTime(gatherMs);
  expect(published).toBe(2);
  const names = [...(plane.snapshotFor(localityUnknown)?.listener.resources.keys() ?? [])];
  expect(names).toHaveLength(1 + 256);
  expect(names).toContain("role-999");
  expect(plane.hasCluster("coding")).toBe(true);
  expect(plane.hasCluster("role-1")).toBe(false);
});

test("a role stays when its last replica has gone", () => {
  const { source, plane } = open([]);
  source.tell.changed([endpoint({ role: "mine" })]);
  vi.advanceTimersByTime(0);
  source.tell.changed([]);
  vi.advanceTimersByTime(gatherMs);
  expect(plane.snapshotFor(localityUnknown)?.cluster.resources.has("mine")).toBe(true);
});

test("an endpoint that no client could use is left out; those beside it are served", () => {
  const { source, plane } = open();
  source.tell.changed([
    endpoint({ address: "localhost" }),
    endpoint({ port: 70_000 }),
    endpoint({ role: "No Role" }),
    endpoint({ port: 4 }),
  ]);
  vi.advanceTimersByTime(0);
  expect(portsOf(plane)).toEqual([4]);
});

test("clients of one locality are given one and the same snapshot; others their own where a policy prefers the near", () => {
  const { source, plane } = open();
  const zone = (name: string) => ({ region: "eu", zone: name, subZone: "" });
  source.tell.changed([endpoint({ locality: zone("a") }), endpoint({ locality: zone("b") })]);
  vi.advanceTimersByTime(0);
  expect(plane.snapshotFor(zone("a"))).toBe(plane.snapshotFor(zone("b")));
  plane.setPolicy("defaults: { locality: { prefer: zone } }");
  expect(plane.snapshotFor(zone("a"))).toBe(plane.snapshotFor(zone("a")));
  expect(plane.snapshotFor(zone("a"))?.endpoints.version).not.toBe(
    plane.snapshotFor(zone("b"))?.endpoints.version,
  );
});

test("stops its source, and publishes nothing after", async () => {
  const { source, plane, told } = open();
  source.tell.changed([]);
  vi.advanceTimersByTime(0);
  const before = told();
  source.tell.changed([endpoint()]);
  await plane.stop();
  vi.advanceTimersByTime(gatherMs);
  expect([source.stopped, told()]).toEqual([true, before]);
});
