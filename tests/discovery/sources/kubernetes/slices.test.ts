import { expect, test } from "vitest";
import { endpointsOf } from "../../../../src/discovery/sources/kubernetes/slices.ts";
import { pod, slice } from "./make-slice.ts";

const read = (...slices: ReturnType<typeof slice>[]) => endpointsOf(slices, { region: "eu" });
const health = (conditions: object) =>
  read(slice({ endpoints: [pod("10.0.0.1", { conditions })] }))[0]?.health;

test("a pod is an endpoint of the role that its Service is labelled with", () => {
  const labels = { "app.kubernetes.io/version": "1.4", "agentmesh.dev/weight": "3" };
  const one = pod("10.0.0.1", { zone: "a", targetRef: { kind: "Pod", name: "coding-1" } });
  expect(read(slice({ labels, endpoints: [one] }))).toEqual([
    {
      id: "coding-1",
      role: "coding",
      address: "10.0.0.1",
      port: 9090,
      locality: { region: "eu", zone: "a", subZone: "" },
      weight: 3,
      version: "1.4",
      health: "HEALTHY",
    },
  ]);
});

test("the conditions of a pod say whether it takes calls", () => {
  expect(health({ ready: true })).toBe("HEALTHY");
  expect(health({})).toBe("HEALTHY");
  expect(health({ ready: false, serving: true, terminating: true })).toBe("DRAINING");
  expect(health({ ready: false, serving: false, terminating: true })).toBe("DRAINING");
  expect(health({ ready: false, serving: false, terminating: false })).toBe("UNHEALTHY");
});

test("without the label the Service's name is the role; without either, nobody's", () => {
  const named = slice({ endpoints: [pod("10.0.0.1")] });
  named.metadata = { ...named.metadata, labels: { "kubernetes.io/service-name": "testing" } };
  expect(read(named)[0]?.role).toBe("testing");
  named.metadata = { ...named.metadata, labels: {} };
  expect(read(named)).toEqual([]);
});

test("the port named grpc is dialed, or the only one", () => {
  const portOf = (ports: { name?: string; port: number }[]) =>
    read(slice({ endpoints: [pod("10.0.0.1")], ports }))[0]?.port;
  expect(
    portOf([
      { name: "http", port: 8080 },
      { name: "grpc", port: 9090 },
    ]),
  ).toBe(9090);
  expect(portOf([{ port: 7000 }])).toBe(7000);
  expect(
    portOf([
      { name: "http", port: 8080 },
      { name: "metrics", port: 9091 },
    ]),
  ).toBeUndefined();
});

test("an address that is in two slices counts once, with the better health", () => {
  const leaving = slice({ name: "one", endpoints: [pod("10.0.0.1", { conditions: { ready: false } })] });
  const coming = slice({ name: "two", endpoints: [pod("10.0.0.1")] });
  for (const both of [
    [leaving, coming],
    [coming, leaving],
  ] as const)
    expect(read(...both).map((one) => one.health)).toEqual(["HEALTHY"]);
});

test("IPv6 is read, names are not", () => {
  const endpoints = [pod("fd00::7")];
  expect(read(slice({ addressType: "IPv6", endpoints }))[0]?.address).toBe("fd00::7");
  expect(read(slice({ addressType: "FQDN", endpoints: [pod("coding.example.com")] }))).toEqual([]);
});

test("a weight that is none counts as 1", () => {
  for (const said of ["0", "-1", "1.5", "many", "1001"])
    expect(
      read(slice({ labels: { "agentmesh.dev/weight": said }, endpoints: [pod("10.0.0.1")] }))[0]?.weight,
    ).toBe(1);
});
