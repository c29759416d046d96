/** The RPCs of the registry, through a server of a mesh. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  AgentServiceService,
  HeartbeatRequest,
  type HeartbeatResponse,
  InstanceState,
  RegisterAgentRequest,
} from "../../../gen/grpc/agentmesh/v1/agent.ts";
import { limits } from "../../../src/core/limits.ts";
import { MemoryRegistry } from "../../../src/fleet/memory/registry.ts";
import orchestrator from "../../../src/roles/orchestrator/index.ts";
import type { Connection } from "../../../src/rpc/connection.ts";
import { registrationOf } from "../../contract/instances.ts";
import { errorOf, TestMesh } from "../../support/mesh.ts";

type Parts = Parameters<typeof RegisterAgentRequest.fromPartial>[0];
const options = { timeoutMs: 10_000 };
let nowMs = 1_700_000_000_000;
const registry = new MemoryRegistry({ now: () => nowMs });
let mesh: TestMesh;
let connection: Connection;
beforeAll(async () => {
  mesh = await TestMesh.start({ roles: [orchestrator], registry });
  connection = mesh.connection();
});
afterAll(() => mesh.close());

const valid = { role: "testing", address: "10.0.0.7", port: 9_090 };
const register = (request: Parts) =>
  connection.unary(AgentServiceService.registerAgent, RegisterAgentRequest.fromPartial(request), options);
const deregister = (instanceId: string) =>
  connection.unary(AgentServiceService.deregisterAgent, { instanceId }, options);
const list = (role = "") => connection.unary(AgentServiceService.listInstances, { role }, options);

/** Answers to heartbeats, each sent when the one before was answered. */
async function beat(
  ...requests: Parameters<typeof HeartbeatRequest.fromPartial>[0][]
): Promise<HeartbeatResponse[]> {
  const call = connection.bidi(AgentServiceService.heartbeat, options);
  const responses = call.responses[Symbol.asyncIterator]();
  const answers: HeartbeatResponse[] = [];
  try {
    for (const request of requests) {
      await call.send(HeartbeatRequest.fromPartial(request));
      answers.push((await responses.next()).value as HeartbeatResponse);
    }
    return answers;
  } finally {
    call.end();
    call.cancel();
  }
}

describe("RegisterAgent", () => {
  test("takes an instance with everything that it says, and lists it at any server", async () => {
    const instance = {
      ...valid,
      id: "testing@pod-1",
      agentId: "agent-1",
      address: "2001:db8::7",
      version: "2.1",
      locality: { region: "eu", zone: "eu-1", subZone: "rack-7" },
      weight: 7,
      state: InstanceState.SERVING,
      labels: { gpu: "h100" },
      startTime: new Date(1_600_000_000_000),
    };
    const answer = await register({ instance, timeToLive: { seconds: 60 } });
    expect(answer).toEqual({
      instance: expect.objectContaining({ ...instance, heartbeatTime: undefined }),
      heartbeatInterval: { seconds: 20, nanos: 0 },
    });
    const { instances, time } = await list("testing");
    expect(time).toEqual(new Date(nowMs));
    expect(instances).toEqual([
      {
        ...instance,
        heartbeatTime: new Date(nowMs),
        load: { tasksRunning: 0, slots: 0, cpuUtilization: 0, memoryBytes: 0 },
      },
    ]);
    await deregister(instance.id);
    expect((await list()).instances).toEqual([]);
  });

  test("fills in what is not said: an id, STARTING, weight 1, a start now, 10 seconds to live", async () => {
    const { instance, heartbeatInterval } = await register({ instance: valid });
    expect(instance).toMatchObject({ ...valid, state: InstanceState.STARTING, weight: 1 });
    expect(instance?.id).toMatch(/^testing@[0-9a-z]{21}$/);
    expect(Math.abs((instance?.startTime?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(heartbeatInterval).toEqual({ seconds: 3, nanos: 333_000_000 });
    nowMs += 9_999;
    expect((await list()).instances).toHaveLength(1);
    nowMs += 1;
    expect((await list()).instances).toEqual([]);
  });

  test.each<[string, Parts, string]>([
    ["nothing", {}, "instance: is required"],
    ["no role", { instance: { ...valid, role: "" } }, "instance.role: is required"],
    [
      "an odd role",
      { instance: { ...valid, role: "Testing!" } },
      'instance.role: is "Testing!"; a role\'s name is',
    ],
    ["an odd id", { instance: { ...valid, id: "a b" } }, "instance.id: has a character other than"],
    ["a long id", { instance: { ...valid, id: "a".repeat(129) } }, "instance.id: has 129 bytes; at most 128"],
    [
      "a long agent",
      { instance: { ...valid, agentId: "a".repeat(129) } },
      "instance.agent_id: has 129 bytes",
    ],
    ["no address", { instance: { ...valid, address: "" } }, "instance.address: is required"],
    [
      "a name",
      { instance: { ...valid, address: "pod.local" } },
      'instance.address: is "pod.local"; it must be an IP',
    ],
    [
      "a zoned address",
      { instance: { ...valid, address: "fe80::1%eth0" } },
      'instance.address: is "fe80::1%eth0"',
    ],
    [
      "every address",
      { instance: { ...valid, address: "0.0.0.0" } },
      "instance.address: is 0.0.0.0, which nobody",
    ],
    [
      "every address, of IPv6",
      { instance: { ...valid, address: "::" } },
      "instance.address: is ::, which nobody",
    ],
    [
      "no port",
      { instance: { ...valid, port: 0 } },
      "instance.port: is 0; it must be a whole number from 1 to 65535",
    ],
    ["a port too high", { instance: { ...valid, port: 65_536 } }, "instance.port: is 65536"],
    [
      "a weight too large",
      { instance: { ...valid, weight: 1_001 } },
      "instance.weight: is 1001; it must be a whole",
    ],
    ["a weight below 0", { instance: { ...valid, weight: -1 } }, "instance.weight: is -1"],
    [
      "a long version",
      { instance: { ...valid, version: "v".repeat(129) } },
      "instance.version: has 129 bytes",
    ],
    [
      "a zone of two lines",
      { instance: { ...valid, locality: { zone: "a\nb" } } },
      "instance.locality.zone: has control",
    ],
    [
      "a long region",
      { instance: { ...valid, locality: { region: "r".repeat(129) } } },
      "instance.locality.region: has",
    ],
    [
      "many labels",
      { instance: { ...valid, labels: manyLabels() } },
      "instance.labels: has 17 labels; at most 16",
    ],
    [
      "a state to leave in",
      { instance: { ...valid, state: InstanceState.GONE } },
      "instance.state: must be STARTING",
    ],
    [
      "a state of the future",
      { instance: { ...valid, state: 99 as never } },
      "instance.state: must be STARTING",
    ],
    [
      "too short a life",
      { instance: valid, timeToLive: { seconds: 2 } },
      "time_to_live: is 2 s; it must be from 3 s",
    ],
    [
      "too long a life",
      { instance: valid, timeToLive: { seconds: 3_601 } },
      "time_to_live: is 3601 s; it must be",
    ],
  ])("refuses %s, and says what is wrong", async (_, request, says) => {
    const error = await errorOf(register(request));
    expect(error.reason).toBe("INVALID_FIELD");
    expect(error.message).toContain(says);
    expect((await list()).instances).toEqual([]);
  });

  test("names every fault at once", async () => {
    const error = await errorOf(register({ instance: {}, timeToLive: { seconds: 1 } }));
    const fields = ["instance.role", "instance.address", "instance.port", "time_to_live"];
    expect(error.fields.map(({ field }) => field)).toEqual(fields);
  });

  test("is refused with REGISTRY_FULL where too many live", async () => {
    const ids = Array.from({ length: limits.instancesMax }, (_, nth) => `i-${nth}`);
    await registry.register(ids.map((id) => registrationOf(id)));
    const error = await errorOf(register({ instance: valid }));
    expect(error).toMatchObject({ reason: "REGISTRY_FULL", metadata: { limit: "10000" } });
    await registry.deregister(ids);
  });
});

function manyLabels(): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 17 }, (_, nth) => [`l${nth}`, ""]));
}

describe("Heartbeat", () => {
  test("streams end when their server drains, which they would hold up: they go on elsewhere", async () => {
    const own = await TestMesh.start({ roles: [orchestrator], registry });
    try {
      const call = own.connection().bidi(AgentServiceService.heartbeat, options);
      const responses = call.responses[Symbol.asyncIterator]();
      await call.send({ instanceId: "nobody", state: 0, load: undefined });
      expect((await responses.next()).value).toMatchObject({ unknown: true });
      own.drain();
      expect((await errorOf(responses.next())).reason).toBe("SERVER_DRAINING");
    } finally {
      await own.close();
    }
  });

  test("answers each: known with what it says, unknown once the time is over, for several instances a stream", async () => {
    const ids = ["a", "b"];
    for (const id of ids) await register({ instance: { ...valid, id } });
    const load = { tasksRunning: 2, slots: 4, cpuUtilization: 0.5, memoryBytes: 5_000_000_000 };
    const answers = await beat(
      { instanceId: "a", state: InstanceState.SERVING, load },
      { instanceId: "nobody" },
      { instanceId: "b", state: InstanceState.DRAINING },
      { instanceId: "a" },
    );
    expect(answers.map(({ unknown }) => unknown)).toEqual([false, true, false, false]);
    expect(answers.some(({ drain }) => drain)).toBe(false);
    const { instances } = await list();
    expect(instances).toMatchObject([
      { id: "a", state: InstanceState.SERVING, load },
      { id: "b", state: InstanceState.DRAINING },
    ]);
    nowMs += 10_000;
    expect(await beat({ instanceId: "a" })).toEqual([{ unknown: true, drain: false }]);
  });

  test.each<[string, Parameters<typeof HeartbeatRequest.fromPartial>[0], string]>([
    ["no id", {}, "instance_id: is required"],
    ["GONE", { instanceId: "a", state: InstanceState.GONE }, "DeregisterAgent takes an instance away"],
    ["a load below 0", { instanceId: "a", load: { tasksRunning: -1 } }, "load.tasks_running: is -1"],
    [
      "a load that is none",
      { instanceId: "a", load: { cpuUtilization: Number.NaN } },
      "load.cpu_utilization: is NaN",
    ],
  ])("refuses %s", async (_, request, says) => {
    const error = await errorOf(beat(request));
    expect(error.reason).toBe("INVALID_FIELD");
    expect(error.message).toContain(says);
  });
});

test("DeregisterAgent and ListInstances refuse what can name nothing, and let be what is not known", async () => {
  expect(await deregister("nobody")).toEqual({});
  expect((await errorOf(deregister(""))).message).toContain("instance_id: is required");
  expect((await errorOf(list("NO"))).message).toContain('role: is "NO"');
  expect(await list("nowhere")).toEqual({ instances: [], time: new Date(nowMs) });
});
