/**
 * What one client wants of one kind of resource, and how far it has followed, in the state-of-the-world protocol. Pure: requests
 * and resources in, answers out.
 *
 * Nothing that a client is subscribed to is ever taken from it: some clients never find back when it returns. What the control
 * plane no longer has stays as it was last sent; an assignment becomes empty, which is how a role's last replicas leave.
 */
import { encodeResource } from "../envoy/resources.ts";
import type { EncodedResource, ResourceKind, ResourceSet } from "../snapshot.ts";

/** A DiscoveryRequest, as far as a subscription reads it. */
export interface SubscriptionRequest {
  readonly names: readonly string[];
  /** Of the response that it answers; empty: the first of its type on this stream. */
  readonly nonce: string;
  /** What the client uses now. */
  readonly version: string;
  /** Why it refuses that response. */
  readonly error: string | undefined;
}

export interface Answer {
  readonly version: string;
  readonly resources: readonly EncodedResource[];
  /** Whether all of it is as the set has it, so that clients which want the same can share its bytes. */
  readonly shared: boolean;
}

/** SENT: not answered yet; REFUSED: the client goes on with what it had. */
export type SubscriptionState = "NONE" | "SENT" | "ACKNOWLEDGED" | "REFUSED";

export interface SubscriptionView {
  readonly kind: ResourceKind;
  readonly names: readonly string[];
  readonly state: SubscriptionState;
  readonly versionSent: string;
  readonly versionAcknowledged: string;
  readonly error: string;
}

/** Kinds of which an answer without a name says that it is gone; of the others an answer may hold what has changed alone. */
const wholeKinds: ReadonlySet<ResourceKind> = new Set(["listener", "cluster"]);

export class Subscription {
  readonly kind: ResourceKind;
  #names: ReadonlySet<string> = new Set();
  /** The first request named nothing: every resource of the kind is wanted, until one names some. */
  #isWildcard = false;
  #hasNamed = false;
  /** As last sent, by name. */
  #sent = new Map<string, EncodedResource>();
  /** An answer is due although no resource has changed. */
  #owed = false;
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
      names: [...this.#names],
      state: this.#state,
      versionSent: this.#versionSent,
      versionAcknowledged: this.#versionAcknowledged,
      error: this.#error,
    };
  }

  /** Takes a request in; false where it answers an older response than the last, and so is void. */
  request({ names, nonce, version, error }: SubscriptionRequest): boolean {
    if (nonce !== this.#nonce) return false;
    if (nonce === "") {
      // A new stream: the client may say what version it has from another, and still waits for an answer.
      this.#owed = true;
      this.#isWildcard = names.length === 0 && wholeKinds.has(this.kind);
    } else if (error === undefined) {
      // After a refusal the same nonce comes again with other names; that takes nothing back.
      if (this.#state === "SENT") this.#acknowledge(version);
    } else {
      this.#state = "REFUSED";
      this.#error = error;
    }
    this.#want(new Set(names));
    return true;
  }

  /** What is to be sent now that these are the resources; undefined: nothing. */
  answer(set: ResourceSet): Answer | undefined {
    if (set === this.#lastSet && !this.#owed) return undefined;
    this.#lastSet = set;
    const wanted = [...this.#wantedNames(set)].flatMap((name) => this.#resource(name, set) ?? []);
    const changed = wanted.filter(({ name, version }) => this.#sent.get(name)?.version !== version);
    const isDue = changed.length > 0 || (this.#owed && wholeKinds.has(this.kind));
    this.#owed = false;
    if (!isDue) return undefined;
    const resources = wholeKinds.has(this.kind) ? wanted : changed;
    for (const resource of resources) this.#sent.set(resource.name, resource);
    const shared = resources.every((resource) => set.resources.get(resource.name) === resource);
    return { version: set.version, resources, shared };
  }

  /** An answer was put on the stream under this nonce. */
  sent(nonce: string, version: string): void {
    this.#nonce = nonce;
    this.#versionSent = version;
    this.#state = "SENT";
  }

  #acknowledge(version: string): void {
    this.#state = "ACKNOWLEDGED";
    this.#versionAcknowledged = version;
    this.#error = "";
  }

  #want(names: ReadonlySet<string>): void {
    if (names.size > 0) this.#hasNamed = true;
    // Naming nothing after having named some is to want nothing, not everything.
    if (this.#hasNamed) this.#isWildcard = false;
    for (const name of names) if (!this.#names.has(name)) this.#owed = true;
    // Who unsubscribes may forget; who comes back is sent it again.
    if (!this.#isWildcard)
      for (const name of this.#sent.keys()) if (!names.has(name)) this.#sent.delete(name);
    this.#names = names;
  }

  #wantedNames(set: ResourceSet): Iterable<string> {
    return this.#isWildcard ? new Set([...set.resources.keys(), ...this.#sent.keys()]) : this.#names;
  }

  #resource(name: string, set: ResourceSet): EncodedResource | undefined {
    const found = set.resources.get(name);
    const last = this.#sent.get(name);
    if (found || !last) return found;
    return this.kind === "endpoints" ? emptyAssignment(name) : last;
  }
}

/** A role whose replicas have all left. */
export function emptyAssignment(name: string): EncodedResource {
  return encodeResource("endpoints", name, { cluster_name: name, endpoints: [] });
}
