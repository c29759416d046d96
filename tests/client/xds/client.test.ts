import { status } from "@grpc/grpc-js";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { TaskSpec } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { MeshClient, type MeshClientOptions } from "../../../src/client/mesh-client.ts";
import { endpoint } from "../../discovery/endpoints.ts";
import { startControlPlane } from "../../support/control-plane.ts";
import { errorOf } from "../../support/mesh.ts";
import { startReplicas, type TestReplica } from "./replicas.ts";

// A process has one bootstrap, and so this file one control plane.
const control = await startControlPlane();
const open: { close(): void }[] = [];
const replicas: TestReplica[] = [];

afterAll(async () => {
  for (const client of open) client.close();
  for (const replica of replicas) replica.kill();
  await control.close();
});

beforeEach(() => {
  control.plane.setPolicy("");
});

function client(options: MeshClientOptions = {}): MeshClient {
  const made = new MeshClient({ controlPlanes: [`127.0.0.1:${control.port}`], role: "coding", ...options });
  open.push(made);
  return made;
}

async function replicasOf(count: number): Promise<TestReplica[]> {
  const made = await startReplicas(count);
  replicas.push(...made);
  serve(made);
  return made;
}

/** Tells the control plane of these, and no others. */
function serve(some: readonly TestReplica[]): void {
  control.source.tell.changed(some.map((replica) => replica.endpoint()));
}

/** Waits until calls reach all of these and no other. */
async function settled(mesh: MeshClient, some: readonly TestReplica[]): Promise<void> {
  await vi.waitFor(async () => {
    const seen = new Set<string>();
    for (let call = 0; call < 20 * some.length; call++) seen.add((await mesh.get("coding.0")).workerId);
    expect([...seen].sort()).toEqual(some.map(({ port }) => String(port)).sort());
  }, 5_000);
}

async function calls(mesh: MeshClient, count: number, atOnce = 8): Promise<void> {
  let left = count;
  const caller = async () => {
    while (left-- > 0) await mesh.get("coding.0");
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
}

test("calls reach every replica, follow those that come, and leave those that drain", async () => {
  const [first, second, third] = (await replicasOf(3)) as [TestReplica, TestReplica, TestReplica];
  const mesh = client();
  serve([first, second]);
  await settled(mesh, [first, second]);
  serve([first, second, third]);
  await settled(mesh, [first, second, third]);
  control.source.tell.changed([first.endpoint({ health: "DRAINING" }), second.endpoint(), third.endpoint()]);
  await settled(mesh, [second, third]);
});

test("a slow replica takes less than half of its fair share", async () => {
  const [slow, ...others] = (await replicasOf(3)) as [TestReplica, ...TestReplica[]];
  const mesh = client();
  await settled(mesh, [slow, ...others]);
  slow.conduct.delayMs = 40;
  for (const other of others) other.conduct.delayMs = 2;
  const before = slow.calls;
  await calls(mesh, 600);
  expect(slow.calls - before).toBeLessThan(600 / 3 / 2);
});

test("a replica that is gone costs no idempotent call: it is tried again at another", async () => {
  const some = (await replicasOf(3)) as [TestReplica, ...TestReplica[]];
  const mesh = client();
  await settled(mesh, some);
  for (const one of some) one.conduct.delayMs = 2;
  const running = calls(mesh, 400);
  some[0].kill();
  await running;
});

test("a call that is not idempotent is not tried again, unless it carries an idempotency key", async () => {
  const [only] = (await replicasOf(1)) as [TestReplica];
  const mesh = client();
  await settled(mesh, [only]);
  const before = only.calls;
  const spec = TaskSpec.fromPartial({ role: "coding" });
  expect((await errorOf(mesh.submitSpec(spec))).code).toBe("UNAVAILABLE");
  expect(only.calls - before).toBe(1);
  expect((await errorOf(mesh.submitSpec({ ...spec, idempotencyKey: "k" }))).code).toBe("UNAVAILABLE");
  expect(only.calls - before).toBe(4);
});

test("a replica that fails is ejected within an interval, and comes back when it is well", async () => {
  control.plane.setPolicy(
    "defaults: { outlierDetection: { intervalSeconds: 0.2, ejectionSeconds: 0.3, callsMin: 5 }, retries: { attemptsMax: 1 } }",
  );
  const [bad, ...others] = (await replicasOf(3)) as [TestReplica, ...TestReplica[]];
  const mesh = client();
  await settled(mesh, [bad, ...others]);
  bad.conduct.code = status.INTERNAL;
  const try20 = async () => {
    const before = bad.calls;
    for (let call = 0; call < 20; call++) await mesh.get("coding.0").catch(() => {});
    return bad.calls - before;
  };
  await vi.waitFor(async () => expect(await try20()).toBe(0), 5_000);
  delete bad.conduct.code;
  await settled(mesh, [bad, ...others]);
}, 15_000);

test("without a replica a call fails at once and says so", async () => {
  await replicasOf(0);
  const mesh = client({ role: "security", timeoutMs: 20_000 });
  const began = performance.now();
  const error = await errorOf(mesh.get("security.0"));
  expect(error).toMatchObject({ reason: "NO_HEALTHY_REPLICA", code: "UNAVAILABLE" });
  expect(error.message).toBe(
    "no healthy replica of security: the control plane knows of none that takes calls",
  );
  expect(performance.now() - began).toBeLessThan(3_000);
});

test("with replicas that cannot be reached a call says how many there are, and why", async () => {
  control.source.tell.changed([1, 2].map((port) => endpoint({ role: "security", port })));
  const mesh = client({ role: "security", timeoutMs: 20_000 });
  await vi.waitFor(async () => {
    const { message } = await errorOf(mesh.get("security.0"));
    expect(message).toMatch(
      /^no healthy replica of security: 0 of 2 are serving; the last error was: .*ECONNREFUSED/,
    );
  }, 5_000);
});

test("a role that nobody knows fails instead of hanging", async () => {
  const mesh = client({ server: "xds:///codng", timeoutMs: 20_000 });
  expect((await errorOf(mesh.get("coding.0"))).message).toContain("no healthy replica of codng");
});

test("faults of the policy hit the part of the calls that it says, and are not tried again", async () => {
  const [only] = (await replicasOf(1)) as [TestReplica];
  const mesh = client();
  await settled(mesh, [only]);
  control.plane.setPolicy("roles: { coding: { faults: { abort: { percent: 100, code: 14 } } } }");
  await vi.waitFor(async () => expect((await errorOf(mesh.get("coding.0"))).code).toBe("UNAVAILABLE"), 5_000);
  const before = only.calls;
  await errorOf(mesh.get("coding.0"));
  expect(only.calls).toBe(before);
});

test("versions share the calls by weight, and a header sends calls to one", async () => {
  const [one, two] = (await replicasOf(2)) as [TestReplica, TestReplica];
  control.source.tell.changed([one.endpoint({ version: "1" }), two.endpoint({ version: "2" })]);
  control.plane.setPolicy(
    'roles: { coding: { versions: [{ version: "1", weight: 0 }, { version: "2", weight: 100 }] } }',
  );
  const mesh = client();
  await settled(mesh, [two]);
  control.plane.setPolicy(
    'roles: { coding: { versions: [{ version: "1", weight: 80 }, { version: "2", weight: 20 }] } }',
  );
  await settled(mesh, [one, two]);
  const before = two.calls;
  await calls(mesh, 500);
  expect(two.calls - before).toBeGreaterThan(50);
  expect(two.calls - before).toBeLessThan(160);
});

test("observers are told of calls by replica, of retries and of how many replicas take calls", async () => {
  const [only] = (await replicasOf(1)) as [TestReplica];
  const told: string[] = [];
  const observer = {
    called: ({ role, endpoint: at, code }: { role: string; endpoint: string; code: string }) =>
      void told.push(`${role} ${at} ${code}`),
    picks: (role: string) => ({
      retried: () => void told.push(`${role} retried`),
      retryRefused: () => {},
      ejected: () => {},
      replicas: (_: object, ready: number, known: number) => void told.push(`${ready}/${known}`),
    }),
  };
  const mesh = client({ observer });
  await settled(mesh, [only]);
  expect(told).toContain(`coding 127.0.0.1:${only.port} OK`);
  expect(told).toContain("1/1");
  only.conduct.code = status.UNAVAILABLE;
  await errorOf(mesh.get("coding.0"));
  expect(told.filter((line) => line === "coding retried")).toHaveLength(2);
  expect(told.at(-1)).toBe(`coding 127.0.0.1:${only.port} UNAVAILABLE`);
});
