import { describe, expect, test } from "vitest";
import { DeltaSubscription } from "../../../src/discovery/ads/delta-subscription.ts";
import type { DeltaAnswer } from "../../../src/discovery/ads/responses.ts";
import type { ResourceKind, ResourceSet } from "../../../src/discovery/snapshot.ts";
import { setOf, shown } from "./sets.ts";

const nothing = { subscribe: [], unsubscribe: [], versions: {}, nonce: "", error: undefined };

function begun(kind: ResourceKind, subscribe: readonly string[], versions: Record<string, string> = {}) {
  const subscription = new DeltaSubscription(kind);
  subscription.request({ ...nothing, subscribe, versions });
  return subscription;
}

/** Sends what is due. */
function send(subscription: DeltaSubscription, set: ResourceSet, nonce = "1"): DeltaAnswer | undefined {
  const answer = subscription.answer(set);
  if (answer) subscription.sent(nonce, answer.version);
  return answer;
}

describe("a delta subscription", () => {
  test("is sent what it names, then what changes of it, and nothing else", () => {
    const one = begun("cluster", ["a", "b"]);
    expect(shown(send(one, setOf({ a: "1", b: "1", c: "1" }))?.resources)).toEqual(["a 1", "b 1"]);
    expect(shown(send(one, setOf({ a: "1", b: "2", c: "2" }))?.resources)).toEqual(["b 2"]);
    expect(send(one, setOf({ a: "1", b: "2", c: "3" }))).toBeUndefined();
  });

  test("is not sent what it has from another stream", () => {
    const named = begun("cluster", ["a", "b"], { a: "1", b: "1" });
    expect(shown(send(named, setOf({ a: "1", b: "2" }))?.resources)).toEqual(["b 2"]);
    const wild = begun("cluster", [], { a: "1", b: "1" });
    expect(shown(send(wild, setOf({ a: "1", b: "2" }))?.resources)).toEqual(["b 2"]);
  });

  test("of every cluster is told of those that come and of those that go", () => {
    const one = begun("cluster", []);
    expect(shown(send(one, setOf({ a: "1" }))?.resources)).toEqual(["a 1"]);
    const change = send(one, setOf({ b: "1" }));
    expect([shown(change?.resources), change?.removed]).toEqual([["b 1"], ["a"]]);
  });

  test("is answered at first though there is nothing to say", () => {
    expect(send(begun("listener", []), setOf({}))).toMatchObject({ resources: [], removed: [] });
  });

  test("answers a name that is taken up later, and forgets one that is given up", () => {
    const one = begun("endpoints", ["a"]);
    const set = setOf({ a: "1", b: "1" });
    send(one, set);
    one.request({ ...nothing, subscribe: ["b"], unsubscribe: ["a"] });
    expect(shown(send(one, set)?.resources)).toEqual(["b 1"]);
    expect(send(one, setOf({ a: "2", b: "1" }))).toBeUndefined();
  });

  test("never loses what it names: an assignment becomes empty, a cluster stays", () => {
    const endpoints = begun("endpoints", ["a"]);
    send(endpoints, setOf({ a: "1" }));
    const change = send(endpoints, setOf({}));
    expect([change?.resources.map(({ name }) => name), change?.removed]).toEqual([["a"], []]);
    const clusters = begun("cluster", ["a"]);
    send(clusters, setOf({ a: "1" }));
    expect(send(clusters, setOf({}))).toBeUndefined();
  });

  test("keeps what it acknowledged where it refuses what comes", () => {
    const one = begun("cluster", ["a"]);
    send(one, setOf({ a: "1" }), "n1");
    one.request({ ...nothing, nonce: "n1" });
    expect(one.view).toMatchObject({ state: "ACKNOWLEDGED", versionAcknowledged: setOf({ a: "1" }).version });
    send(one, setOf({ a: "2" }), "n2");
    one.request({ ...nothing, nonce: "n2", error: "no" });
    expect(one.view).toMatchObject({
      state: "REFUSED",
      error: "no",
      versionAcknowledged: setOf({ a: "1" }).version,
    });
    one.request({ ...nothing, nonce: "n1" });
    expect(one.view.state).toBe("REFUSED");
  });
});
