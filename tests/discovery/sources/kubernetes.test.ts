import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KubernetesSource } from "../../../src/discovery/sources/kubernetes.ts";
import { KubeApi } from "../../support/kube-api.ts";
import { pod, slice } from "./kubernetes/make-slice.ts";

let api: KubeApi;
let source: KubernetesSource;
/** The addresses that were told, each time; or why the source failed. */
let told: (string[] | string)[] = [];

beforeEach(async () => {
  api = await new KubeApi().start();
  told = [];
});

afterEach(async () => {
  await source.stop();
  await api.close();
});

function start(namespace = ""): void {
  source = new KubernetesSource({ config: api.config, namespace, region: "" });
  source.start({
    changed: (endpoints) => void told.push(endpoints.map(({ address }) => address).sort()),
    failed: (error, isNew) => void (isNew === false ? again++ : told.push(error.message)),
  });
}

const saw = (...addresses: string[]) => vi.waitFor(() => expect(told.at(-1)).toEqual(addresses), 8_000);
const watching = () => vi.waitFor(() => expect(api.watches).toBe(1), 8_000);
const put = (name: string, ...addresses: string[]) =>
  api.put(slice({ name, endpoints: addresses.map((address) => pod(address)) }));
/** Failures of an outage that was told of before. */
let again = 0;
const failures = () => told.filter((one) => typeof one === "string");

test("tells the whole list at first, page by page, and nothing before", async () => {
  api.pageSizeMax = 2;
  for (let index = 1; index <= 5; index++) put(`s${index}`, `10.0.0.${index}`);
  start();
  await saw("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5");
  expect(told).toHaveLength(1);
  expect(api.requests.filter((one) => one === "list")).toHaveLength(3);
});

test("an empty cluster is told as such", async () => {
  start();
  await saw();
});

test("follows what comes, changes and goes", async () => {
  put("a", "10.0.0.1");
  start("mesh");
  await watching();
  put("b", "10.0.0.2");
  await saw("10.0.0.1", "10.0.0.2");
  put("a", "10.0.0.3");
  await saw("10.0.0.2", "10.0.0.3");
  api.delete("b");
  await saw("10.0.0.3");
});

test("a watch that the server ends is begun anew where it was, without a list", async () => {
  put("a", "10.0.0.1");
  start();
  await watching();
  api.endWatches();
  put("a", "10.0.0.2");
  await saw("10.0.0.2");
  expect(api.requests.filter((one) => one === "list")).toHaveLength(1);
  expect(failures()).toEqual([]);
});

test("a bookmark moves the version from which the next watch begins", async () => {
  start();
  await watching();
  api.bookmark();
  api.bookmark();
  await vi.waitFor(async () => {
    api.endWatches();
    await watching();
    expect(api.requests.at(-1)).toBe("watch 3");
  }, 8_000);
});

describe("after a failure", () => {
  test("a version that is gone costs a list, and tells what left meanwhile", async () => {
    put("a", "10.0.0.1");
    put("b", "10.0.0.2");
    start();
    await watching();
    api.endWatches();
    api.delete("a");
    api.forget();
    await saw("10.0.0.2");
    expect(failures()).toEqual([]);
  });

  test("so does one that goes while it is watched", async () => {
    put("a", "10.0.0.1");
    start();
    await watching();
    api.expireWatches();
    put("b", "10.0.0.2");
    await saw("10.0.0.1", "10.0.0.2");
    expect(failures()).toEqual([]);
  });

  test("a connection that is cut in the middle of a line loses nothing", async () => {
    put("a", "10.0.0.1");
    start();
    await watching();
    api.disconnect();
    api.delete("a");
    put("c", "10.0.0.3");
    await saw("10.0.0.3");
  });

  test("it keeps what it knew while the server refuses, says why once, and comes back by itself", async () => {
    put("a", "10.0.0.1");
    start();
    await watching();
    api.fault({ on: "list", status: 403 }, { on: "list", status: 500 }, { on: "watch", status: 403 });
    api.endWatches();
    await vi.waitFor(() => expect(failures()).toHaveLength(1), 8_000);
    expect(failures()[0]).toContain(
      "403: the account may not do this; it needs list and watch of endpointslices",
    );
    expect(told.filter(Array.isArray)).toEqual([["10.0.0.1"]]);
    put("b", "10.0.0.2");
    await saw("10.0.0.1", "10.0.0.2");
    expect(failures()).toHaveLength(1);
  });

  test("what a list makes look well is told to be amiss again, as long as it cannot be watched", async () => {
    put("a", "10.0.0.1");
    const before = again;
    api.fault(...Array.from({ length: 5 }, () => ({ on: "watch", status: 403 }) as const));
    start();
    await vi.waitFor(() => expect(again - before).toBeGreaterThan(1), 8_000);
    expect(failures()).toHaveLength(1);
  });

  test("a server that takes a list and never answers holds up no end", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const config = api.config;
    config.addCluster({ name: "silent", server: `http://127.0.0.1:${port}`, skipTLSVerify: true });
    config.addContext({ name: "silent", cluster: "silent", user: "test" });
    config.setCurrentContext("silent");
    source = new KubernetesSource({ config, namespace: "", region: "" });
    source.start({ changed: () => {}, failed: () => {} });
    await once(silent, "request");
    await source.stop();
    silent.closeAllConnections();
    silent.close();
  });

  test("credentials that are refused are told as such", async () => {
    api.fault({ on: "list", status: 401 });
    start();
    await vi.waitFor(() => expect(failures()[0]).toContain("401: the credentials are not accepted"), 8_000);
    await saw();
  });
});

test("whatever changes and fails, in the end it tells what there is", async () => {
  const step = fc.oneof(
    fc.record({ put: fc.constantFrom("a", "b", "c"), address: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ delete: fc.constantFrom("a", "b", "c") }),
    fc.constantFrom("endWatches", "disconnect", "forget", "expireWatches", "bookmark"),
    fc.record({
      fault: fc.record({ on: fc.constantFrom("list", "watch"), status: fc.constantFrom(429, 500, 410) }),
    }),
    fc.constant("breathe"),
  );
  start();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      for (const one of steps)
        if (one === "breathe") await new Promise((resolve) => setImmediate(resolve));
        else if (typeof one === "string") api[one as "forget"]();
        else if ("put" in one) put(one.put, `10.0.0.${one.address}`);
        else if ("delete" in one) api.delete(one.delete);
        else api.fault(one.fault as never);
      api.heal();
      const there = api.slices.flatMap(
        ({ endpoints }) => endpoints?.flatMap(({ addresses }) => addresses) ?? [],
      );
      await vi.waitFor(() => expect(told.findLast(Array.isArray)).toEqual([...new Set(there)].sort()), 9_000);
    }),
    { numRuns: 15 },
  );
}, 60_000);
