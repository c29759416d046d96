/** What every gRPC client that knows xDS can do with our control plane: nothing here is a client of ours. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Endpoint, localityUnknown } from "../../../src/discovery/endpoint.ts";
import { TestReplica } from "../../client/xds/replicas.ts";
import { type StartedControlPlane, startControlPlane } from "../../support/control-plane.ts";
import { ForeignClient, type Told } from "./foreign-client.ts";

/** Round robin, so that a second try goes to another replica than the first. */
const policy = `
roles:
  coding:
    balancing: { policy: roundRobin }
    retries: { attemptsMax: 4, backoffMs: 5, backoffMsMax: 20 }
    canaries: [{ header: x-canary, value: "yes", version: "2" }]
    versions: [{ version: "1", weight: 1 }]
`;

export interface ContractOptions {
  /** Clients of C++ of before 2023 end in a segmentation fault at the first call by it, whatever else they are told. */
  readonly ringHash: boolean;
}

export function clientContract(
  command: readonly [string, ...string[]],
  { ringHash }: ContractOptions = { ringHash: true },
): void {
  let control: StartedControlPlane;
  let client: ForeignClient;
  let replicas: TestReplica[];

  beforeAll(async () => {
    replicas = await Promise.all([1, 2, 3, 4].map(() => new TestReplica().start()));
    control = await startControlPlane({ endpoints: told(0, 1), policy });
    client = new ForeignClient(command, control.port);
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await control?.close();
    for (const replica of replicas) replica.kill();
  });

  /** These replicas, the last of all as version 2. */
  function told(...places: number[]) {
    return places.map((place) =>
      (replicas[place] as TestReplica).endpoint({ version: place === 3 ? "2" : "1" }),
    );
  }

  function ports(...places: number[]): string[] {
    return places.map((place) => String(replicas[place]?.port)).sort();
  }

  /** Calls go to these and no others, and none fails. */
  async function reaches(...places: number[]): Promise<Told> {
    return vi.waitFor(async () => {
      const told = await client.call(60);
      expect(told.errors).toEqual({});
      expect(Object.keys(told.answers).sort()).toEqual(ports(...places));
      return told;
    }, 15_000);
  }

  test("resolves the role and balances its calls", async () => {
    const { answers } = await reaches(0, 1);
    for (const count of Object.values(answers)) expect(count).toBeGreaterThan(15);
  });

  test("takes least request, or what stands in its place", async () => {
    expect(control.plane.setPolicy(policy.replace("roundRobin", "leastRequest"))).toBeUndefined();
    await vi.waitFor(() => {
      const [told] = control.clients.list();
      const cluster = told?.subscriptions.find(({ typeUrl }) => typeUrl.endsWith(".Cluster"));
      expect(cluster?.versionAcknowledged).toBe(control.plane.snapshotFor(localityUnknown)?.cluster.version);
    }, 5_000);
    const { answers } = await reaches(0, 1);
    for (const count of Object.values(answers)) expect(count).toBeGreaterThan(10);
    expect(control.plane.setPolicy(policy)).toBeUndefined();
  });

  test.skipIf(!ringHash)("keeps calls with one value of a header together (needs ring hash)", async () => {
    control.plane.setPolicy(policy.replace("roundRobin", "ringHash, header: x-session"));
    await vi.waitFor(async () => {
      const { answers, errors } = await client.call(30, { "x-session": "one" });
      expect({ errors, replicas: Object.keys(answers).length }).toEqual({ errors: {}, replicas: 1 });
    }, 15_000);
    control.plane.setPolicy(policy);
    await reaches(0, 1);
  });

  test("gives a replica its weight's part of the calls", async () => {
    const [heavy, light] = told(0, 1) as [Endpoint, Endpoint];
    control.plane.setPolicy(policy.replace("roundRobin", "weighted"));
    control.source.tell.changed([{ ...heavy, weight: 4 }, light]);
    await vi.waitFor(async () => {
      const { answers } = await client.call(200);
      expect(answers[heavy.port] ?? 0).toBeGreaterThan(2 * (answers[light.port] ?? 0));
      expect(answers[light.port]).toBeGreaterThan(10);
    }, 15_000);
    control.plane.setPolicy(policy);
    control.source.tell.changed([heavy, light]);
    await reaches(0, 1);
  });

  test("follows replicas that are added, and leaves those that drain", async () => {
    control.source.tell.changed(told(0, 1, 2));
    await reaches(0, 1, 2);
    const [first, ...others] = told(0, 1, 2) as [Endpoint, ...Endpoint[]];
    control.source.tell.changed([{ ...first, health: "DRAINING" }, ...others]);
    await reaches(1, 2);
  });

  test("leads calls with a header to the version under trial", async () => {
    control.source.tell.changed(told(1, 2, 3));
    await vi.waitFor(async () => {
      const { answers, errors } = await client.call(20, { "x-canary": "yes" });
      expect({ errors, ports: Object.keys(answers) }).toEqual({ errors: {}, ports: ports(3) });
    }, 15_000);
    await reaches(1, 2);
  });

  test("tries a call again that a replica could not take", async () => {
    const [failing] = replicas.slice(1) as [TestReplica];
    const before = failing.calls;
    failing.conduct.code = 14;
    const { answers, errors } = await client.call(40);
    delete failing.conduct.code;
    expect(failing.calls).toBeGreaterThan(before);
    expect({ errors, ports: Object.keys(answers) }).toEqual({ errors: {}, ports: ports(2) });
  });

  test("fails calls as the policy says", async () => {
    const aborting = `roles: { coding: { faults: { abort: { percent: 100, code: 8 } } } }`;
    control.plane.setPolicy(aborting);
    await vi.waitFor(async () => {
      const { answers, errors } = await client.call(10);
      expect(answers).toEqual({});
      expect(Object.keys(errors).join()).toMatch(/RESOURCE_?EXHAUSTED/i);
    }, 15_000);
    control.plane.setPolicy(policy);
    await vi.waitFor(async () => expect((await client.call(5)).errors).toEqual({}), 15_000);
  });

  test("acknowledges all that it is sent, and goes on while there is no control plane", async () => {
    await vi.waitFor(() => expect(control.clients.list()).toHaveLength(1), 5_000);
    expect(control.events.filter((event) => event.startsWith("refused"))).toEqual([]);
    expect(control.events).toContain("acknowledged endpoints");
    const { port } = control;
    await control.close();
    const { errors } = await client.call(60);
    expect(errors).toEqual({});
    control = await startControlPlane({ port, endpoints: told(0, 1), policy });
    await reaches(0, 1);
  });
}
