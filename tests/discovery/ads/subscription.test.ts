import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Subscription } from "../../../src/discovery/ads/subscription.ts";
import type { EncodedResource, ResourceKind, ResourceSet } from "../../../src/discovery/snapshot.ts";
import { setOf, shown } from "./sets.ts";

/** A client that keeps to the protocol: what it is sent it takes over or refuses. */
class Client {
  readonly subscription: Subscription;
  names: readonly string[] = [];
  readonly has = new Map<string, string>();
  /** Taken away by an answer that left them out. */
  readonly lost: string[] = [];
  nonce = "";
  version = "";
  #sent = 0;

  constructor(kind: ResourceKind) {
    this.subscription = new Subscription(kind);
  }

  want(...names: string[]): void {
    this.names = names;
    for (const name of this.has.keys()) if (!names.includes(name)) this.has.delete(name);
    this.#request();
  }

  /** What it is sent now, as "name version"; undefined: nothing. */
  receive(set: ResourceSet, refuse = false): string[] | undefined {
    const answer = this.subscription.answer(set);
    if (!answer) return undefined;
    this.#sent++;
    this.nonce = String(this.#sent);
    this.subscription.sent(this.nonce, answer.version);
    if (!refuse) this.#takeOver(answer.resources, answer.version);
    this.#request(refuse ? "it makes no sense" : undefined);
    return shown(answer.resources);
  }

  #takeOver(resources: readonly EncodedResource[], version: string): void {
    this.version = version;
    const isWhole = this.subscription.kind === "listener" || this.subscription.kind === "cluster";
    const told = new Set(resources.map(({ name }) => name));
    for (const name of this.has.keys()) if (isWhole && !told.has(name)) this.lost.push(name);
    for (const one of resources) this.has.set(one.name, one.version);
  }

  #request(error?: string): void {
    this.subscription.request({ names: this.names, nonce: this.nonce, version: this.version, error });
  }
}

function client(kind: ResourceKind, ...names: string[]): Client {
  const made = new Client(kind);
  made.want(...names);
  return made;
}

describe("a subscription", () => {
  test("is answered at first though the client says that it has that very version", () => {
    const subscription = new Subscription("listener");
    const set = setOf({ a: "1" });
    subscription.request({ names: ["a"], nonce: "", version: set.version, error: undefined });
    expect(shown(subscription.answer(set)?.resources)).toEqual(["a 1"]);
  });

  test("is told of a change once, and of no change never", () => {
    const one = client("endpoints", "a");
    expect(one.receive(setOf({ a: "1" }))).toEqual(["a 1"]);
    expect(one.receive(setOf({ a: "1" }))).toBeUndefined();
    expect(one.receive(setOf({ a: "1", b: "9" }))).toBeUndefined();
    expect(one.receive(setOf({ a: "2", b: "9" }))).toEqual(["a 2"]);
  });

  test("of listeners and clusters is always told all of them, of the others what has changed", () => {
    const next = setOf({ a: "2", b: "1" });
    const clusters = client("cluster", "a", "b");
    clusters.receive(setOf({ a: "1", b: "1" }));
    expect(clusters.receive(next)).toEqual(["a 2", "b 1"]);
    const routes = client("route", "a", "b");
    routes.receive(setOf({ a: "1", b: "1" }));
    expect(routes.receive(next)).toEqual(["a 2"]);
  });

  test("with a name more is answered though no version has changed", () => {
    const set = setOf({ a: "1", b: "1" });
    for (const [kind, told] of [
      ["cluster", ["a 1", "b 1"]],
      ["endpoints", ["b 1"]],
    ] as const) {
      const one = client(kind, "a");
      one.receive(set);
      one.want("a", "b");
      expect(one.receive(set)).toEqual(told);
    }
  });

  test("to a name that comes later is answered when it comes", () => {
    const one = client("endpoints", "later");
    expect(one.receive(setOf({ a: "1" }))).toBeUndefined();
    expect(one.receive(setOf({ a: "1", later: "1" }))).toEqual(["later 1"]);
  });

  test("that is given up and taken up again is answered anew", () => {
    const set = setOf({ a: "1", b: "1" });
    const one = client("route", "a", "b");
    one.receive(set);
    one.want("a");
    expect(one.receive(set)).toBeUndefined();
    one.want("a", "b");
    expect(one.receive(set)).toEqual(["b 1"]);
  });

  test("which names nothing after it named something wants nothing", () => {
    const one = client("listener", "a");
    one.receive(setOf({ a: "1" }));
    one.want();
    expect(one.receive(setOf({ a: "2", b: "1" }))).toBeUndefined();
  });

  test("which names nothing at first wants all listeners or clusters, and no routes", () => {
    expect(client("listener").receive(setOf({ a: "1", b: "1" }))).toEqual(["a 1", "b 1"]);
    expect(client("route").receive(setOf({ a: "1" }))).toBeUndefined();
  });

  test("that refuses an answer is not sent it again, keeps its last version, and is sent what comes after", () => {
    const one = client("cluster", "a");
    one.receive(setOf({ a: "1" }));
    const bad = setOf({ a: "bad" });
    one.receive(bad, true);
    expect(one.subscription.view).toMatchObject({
      state: "REFUSED",
      error: "it makes no sense",
      versionSent: bad.version,
      versionAcknowledged: setOf({ a: "1" }).version,
    });
    expect(one.receive(setOf({ a: "bad" }))).toBeUndefined();
    expect(one.receive(setOf({ a: "3" }))).toEqual(["a 3"]);
    expect(one.subscription.view).toMatchObject({ state: "ACKNOWLEDGED", error: "" });
  });

  test("that names more after it has refused an answer has not taken that answer", () => {
    const one = client("cluster", "a");
    one.receive(setOf({ a: "1" }));
    one.receive(setOf({ a: "bad" }), true);
    one.want("a", "b");
    expect(one.subscription.view).toMatchObject({
      state: "REFUSED",
      error: "it makes no sense",
      names: ["a", "b"],
    });
  });

  test("is not moved by an answer to a response before the last", () => {
    const one = client("route", "a");
    one.receive(setOf({ a: "1" }));
    one.subscription.answer(setOf({ a: "2" }));
    one.subscription.sent("newer", "2");
    const stale = { names: ["b"], nonce: one.nonce, version: "1", error: undefined };
    expect(one.subscription.request(stale)).toBe(false);
    expect(one.subscription.view).toMatchObject({ names: ["a"], state: "SENT" });
  });

  test("never loses what it has: a cluster stays as it was, an assignment becomes empty", () => {
    const clusters = client("cluster", "a", "b");
    clusters.receive(setOf({ a: "1", b: "1" }));
    expect(clusters.receive(setOf({ b: "2" }))).toEqual(["a 1", "b 2"]);
    const endpoints = client("endpoints", "a");
    endpoints.receive(setOf({ a: "1" }));
    const [emptied, ...others] = endpoints.subscription.answer(setOf({}))?.resources ?? [];
    expect([emptied?.name, others]).toEqual(["a", []]);
    expect(emptied?.version).not.toBe("1");
  });
});

const names = ["a", "b", "c"] as const;
const anySet = fc
  .record(
    Object.fromEntries(names.map((name) => [name, fc.option(fc.constantFrom("1", "2"), { nil: undefined })])),
  )
  .map((versions) => setOf(JSON.parse(JSON.stringify(versions))));
const anyStep = fc.oneof(
  fc.record({ set: anySet, refuse: fc.boolean() }),
  fc.record({ want: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }) }),
);
const anyKind = fc.constantFrom<ResourceKind>("cluster", "listener", "route", "endpoints");

test("whatever comes and goes, a client ends with what there is, and nothing is taken from it", () => {
  fc.assert(
    fc.property(anyKind, fc.array(anyStep, { maxLength: 20 }), anySet, (kind, steps, last) => {
      const one = client(kind, "a");
      for (const step of steps)
        if ("set" in step) one.receive(step.set, step.refuse);
        else one.want(...step.want);
      // What it refused it is not sent again: a version that nobody has had shows that it follows.
      const fresh = setOf(Object.fromEntries([...last.resources.keys()].map((name) => [name, "fresh"])));
      one.receive(fresh);
      for (const name of one.names) if (fresh.resources.has(name)) expect(one.has.get(name)).toBe("fresh");
      expect(one.lost).toEqual([]);
      expect(one.receive(fresh)).toBeUndefined();
    }),
  );
});
