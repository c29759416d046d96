import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FileSource, readEndpoints } from "../../../src/discovery/sources/file.ts";

let directory = "";
let source: FileSource | undefined;
/** What was told: the ports of endpoints, or why it failed. */
let told: (number[] | string)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "agentmesh-endpoints-"));
  told = [];
});

afterEach(async () => {
  await source?.stop();
  rmSync(directory, { recursive: true });
});

const path = (name = "endpoints.yaml") => join(directory, name);
const text = (...ports: number[]) =>
  `roles:\n  coding:\n${ports.map((port) => `    - address: 10.0.0.1:${port}\n`).join("")}`;

function start(file = path()): void {
  source = new FileSource(file);
  source.start({
    changed: (endpoints) => void told.push(endpoints.map(({ port }) => port)),
    failed: (error) => void told.push(error.message),
  });
}

const saw = (last: unknown) => vi.waitFor(() => expect(told.at(-1)).toEqual(last), 2_000);

test("reads every field of a replica, with what is left out filled in", () => {
  const full =
    "{ address: '[fd00::7]:9090', region: eu, zone: a, subZone: r1, weight: 3, version: '2', health: draining }";
  expect(readEndpoints(`roles: { coding: [${full}, { address: 10.0.0.7:9190 }] }`, "file")).toEqual([
    {
      id: "[fd00::7]:9090",
      role: "coding",
      address: "fd00::7",
      port: 9090,
      locality: { region: "eu", zone: "a", subZone: "r1" },
      weight: 3,
      version: "2",
      health: "DRAINING",
    },
    {
      id: "10.0.0.7:9190",
      role: "coding",
      address: "10.0.0.7",
      port: 9190,
      locality: { region: "", zone: "", subZone: "" },
      weight: 1,
      version: "",
      health: "HEALTHY",
    },
  ]);
});

test("names the line of an address that clients could not dial", () => {
  for (const address of ["localhost:9090", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:70000"])
    expect(() => readEndpoints(`roles:\n  coding:\n    - address: ${address}\n`, "e.yaml")).toThrow(
      `e.yaml:3: roles.coding.0.address: is "${address}"; write an IP address and a port`,
    );
});

test("follows the file while it is written, replaced, and taken away", async () => {
  writeFileSync(path(), text(1));
  start();
  await saw([1]);
  writeFileSync(path(), text(1, 2));
  await saw([1, 2]);
  writeFileSync(path("next.yaml"), text(3));
  renameSync(path("next.yaml"), path());
  await saw([3]);
  unlinkSync(path());
  await vi.waitFor(() => expect(told.at(-1)).toContain("ENOENT"), 2_000);
  writeFileSync(path(), text(4));
  await saw([4]);
});

test("follows a link that is turned, as Kubernetes changes a mounted ConfigMap", async () => {
  writeFileSync(path("one"), text(1));
  writeFileSync(path("two"), text(2));
  symlinkSync(path("one"), path());
  start();
  await saw([1]);
  symlinkSync(path("two"), path("turned"));
  renameSync(path("turned"), path());
  await saw([2]);
});

test("keeps what it told when the file becomes wrong, and says where it is wrong", async () => {
  writeFileSync(path(), text(1));
  start();
  await saw([1]);
  writeFileSync(path(), "roles:\n  coding:\n    - adress: 10.0.0.1:1\n");
  await vi.waitFor(() => expect(told.at(-1)).toContain('did you mean "address"?'), 2_000);
  expect(told.filter(Array.isArray)).toEqual([[1]]);
  writeFileSync(path(), text(5));
  await saw([5]);
});
