/**
 * What one client wants of one kind of resource in the delta protocol, which Envoy speaks. Pure. As in the state-of-the-world
 * protocol, nothing that a client is subscribed to by name is taken from it.
 */
import type { EncodedResource, ResourceKind, ResourceSet } from "../snapshot.ts";
import type { DeltaAnswer } from "./responses.ts";
import { emptyAssignment, type SubscriptionState, type SubscriptionView } from "./subscription.ts";

/** A DeltaDiscoveryRequest, as far as a subscription reads it. */
export interface DeltaRequest {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** What the client has from another stream, by name; on the first request alone. */
  readonly versions: Readonly<Record<string, string>>;
  /** Of the response that it answers; empty: it answers none. */
  readonly nonce: string;
  readonly error: string | undefined;
}

const wildcard = "*";

export class DeltaSubscription {
  readonly kind: ResourceKind;
  readonly #names = new Set<string>();
  #isWildcard = false;
  #hasBegun = false;
  /** Versions that the client has, by name. */
  readonly #has = new Map<string, string>();
  /** Newly named: answered even where the client has them. */
  readonly #owed = new Set<string>();
  #isOwed = false;
  #lastSet: ResourceSet | undefined;
  #nonce = "";
  #versionSent = "";
  #versionAcknowledged = "";
  #state: SubscriptionState = "NONE";
  #error = "";

  constructor(kind: ResourceKind) {
    this.kind = kind;
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  get view(): SubscriptionView {
    return {
      kind: this.kind,
      names: this.#isWildcard ? [wildcard, ...this.#names] : [...this.#names],
      state: this.#state,
      versionSent: this.#versionSent,
      versionAcknowledged: this.#versionAcknowledged,
      error: this.#error,
    };
  }

  request({ subscribe, unsubscribe, versions, nonce, error }: DeltaRequest): void {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#isOwed = true;
      this.#isWildcard = subscribe.length === 0 && (this.kind === "listener" || this.kind === "cluster");
      for (const [name, version] of Object.entries(versions)) this.#has.set(name, version);
    }
    if (nonce !== "" && nonce === this.#nonce) this.#told(error);
    for (const name of subscribe) {
      if (name === wildcard) this.#isWildcard = true;
      else this.#names.add(name);
      // Who says what it has from another stream is told what is another by now, and no more.
      if (versions[name] === undefined) this.#owed.add(name);
    }
    for (const name of unsubscribe) {
      if (name === wildcard) this.#isWildcard = false;
      this.#names.delete(name);
      this.#owed.delete(name);
      this.#has.delete(name);
    }
  }

  answer(set: ResourceSet): DeltaAnswer | undefined {
    if (set === this.#lastSet && this.#owed.size === 0 && !this.#isOwed) return undefined;
    this.#lastSet = set;
    const wanted = new Set([...this.#names, ...(this.#isWildcard ? set.resources.keys() : [])]);
    const resources = [...wanted].flatMap((name) => this.#news(name, set) ?? []);
    const removed = [...this.#has.keys()].filter((name) => !wanted.has(name) && !set.resources.has(name));
    const isDue = resources.length > 0 || removed.length > 0 || this.#isOwed;
    this.#owed.clear();
    this.#isOwed = false;
    for (const { name, version } of resources) this.#has.set(name, version);
    for (const name of removed) this.#has.delete(name);
    return isDue ? { version: set.version, resources, removed } : undefined;
  }

  sent(nonce: string, version: string): void {
    this.#nonce = nonce;
    this.#versionSent = version;
    this.#state = "SENT";
  }

  #news(name: string, set: ResourceSet): EncodedResource | undefined {
    const found = set.resources.get(name) ?? this.#lost(name);
    if (found === undefined) return undefined;
    return this.#has.get(name) !== found.version || this.#owed.has(name) ? found : undefined;
  }

  /** Of a name that was there: an assignment becomes empty, anything else stays as the client has it. */
  #lost(name: string): EncodedResource | undefined {
    return this.kind === "endpoints" && this.#has.has(name) ? emptyAssignment(name) : undefined;
  }

  #told(error: string | undefined): void {
    this.#state = error === undefined ? "ACKNOWLEDGED" : "REFUSED";
    this.#error = error ?? "";
    if (error === undefined) this.#versionAcknowledged = this.#versionSent;
  }
}
