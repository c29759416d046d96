/**
 * The control plane: gathers endpoints and a policy, and publishes what follows from them. Changes that come together are
 * published together. It holds nothing that another control plane could not make anew from the same store and the same file.
 */
import { isIP } from "node:net";
import type { Clock } from "../core/clock.ts";
import type { MeshError } from "../core/errors.ts";
import { rolePattern } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import { type Endpoint, type Locality, localityUnknown } from "./endpoint.ts";
import type { TrafficPolicy } from "./policy.ts";
import { PolicyState, type PolicyStatus } from "./policy-state.ts";
import { Publication } from "./publication.ts";
import type { EncodedSnapshot, ResourceKind, SnapshotFeed } from "./snapshot.ts";
import type { EndpointSource } from "./source.ts";

export interface ControlPlaneOptions {
  readonly source: EndpointSource;
  /** Roles that clients may dial though no replica is there yet. */
  readonly roles: readonly string[];
  /** Named in messages; empty: no file, the defaults hold. */
  readonly policyFile: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a change waits for others; default 100. A push of 500 endpoints costs each client a tenth of a second of CPU. */
  readonly gatherMs?: number;
}

export interface ControlPlaneState {
  readonly publication: Publication;
  readonly publishMs: number;
  readonly policy: PolicyStatus;
  readonly source: string;
  readonly sourceError: string | undefined;
}

const gatherMsDefault = 100;
/**
 * Names that clients asked for and no source has told of. Each is part of every publication, so they are few; the oldest goes for one
 * too many, which takes nothing from whoever was told of it.
 */
const wantedMax = 256;
const wantedRestMs = 200;

export class ControlPlane implements SnapshotFeed {
  readonly #options: ControlPlaneOptions;
  readonly #listeners = new Set<() => void>();
  readonly #policy: PolicyState;
  readonly #roles: Set<string>;
  /** Beside those, in the order in which they were asked for. */
  readonly #wanted = new Set<string>();
  #wantedMs = Number.NEGATIVE_INFINITY;
  #endpoints: readonly Endpoint[] | undefined;
  #sourceError: string | undefined;
  #published: Publication | undefined;
  #publishMs = 0;
  #gathering: NodeJS.Timeout | undefined;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    this.#roles = new Set(options.roles);
    this.#policy = new PolicyState(options.policyFile, options.clock, (policy) => this.#publish(policy));
  }

  start(): void {
    this.#options.source.start({
      changed: (endpoints) => {
        this.#sourceError = undefined;
        this.#endpoints = endpoints.filter((endpoint) => this.#isUsable(endpoint));
        for (const { role } of this.#endpoints) this.#roles.add(role);
        this.#gather();
      },
      failed: (error, isNew = true) => {
        this.#sourceError = error.message;
        const { log, source } = this.#options;
        if (isNew)
          log.warn(
            { source: source.description },
            `endpoints cannot be read, the last known stay: ${error.message}`,
          );
        this.#tell();
      },
    });
  }

  async stop(): Promise<void> {
    clearTimeout(this.#gathering);
    await this.#options.source.stop();
  }

  /** Takes a policy's text; what is refused changes nothing but the state's `policy.error`. */
  setPolicy(text: string): MeshError | undefined {
    const refusal = this.#policy.accept(text);
    if (refusal) this.#refused(refusal);
    else this.#options.log.info({ file: this.#options.policyFile }, "the traffic policy was accepted");
    return refusal;
  }

  /** The policy's file cannot be read. */
  policyUnreadable(error: unknown): void {
    this.#refused(this.#policy.refuse(error));
  }

  snapshotFor(locality: Locality): EncodedSnapshot | undefined {
    return this.#published?.snapshotFor(locality);
  }

  onPublish(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  want(kind: ResourceKind, names: ReadonlySet<string>): void {
    // Whoever dials a role asks for its listener first; clusters and assignments have other names besides.
    if (kind !== "listener") return;
    const isNew = (name: string) =>
      rolePattern.test(name) && !this.#roles.has(name) && !this.#wanted.has(name);
    const added = [...names].filter(isNew).slice(0, wantedMax);
    if (added.length === 0) return;
    for (const name of added) this.#wanted.add(name);
    for (const name of this.#wanted) if (this.#wanted.size > wantedMax) this.#wanted.delete(name);
    if (!this.#published) return;
    // At once for one who mistypes a name, and not at all often for one who asks for names without end.
    const nowMs = this.#options.clock.now();
    if (nowMs < this.#wantedMs + wantedRestMs) this.#gather();
    else {
      this.#wantedMs = nowMs;
      this.#republish();
    }
  }

  /** Whether a cluster of this name is published. */
  hasCluster(name: string): boolean {
    return this.#published?.snapshotFor(localityUnknown).cluster.resources.has(name) ?? false;
  }

  /** Undefined before the first publication. */
  get state(): ControlPlaneState | undefined {
    if (!this.#published) return undefined;
    return {
      publication: this.#published,
      publishMs: this.#publishMs,
      policy: this.#policy.status,
      source: this.#options.source.description,
      sourceError: this.#sourceError,
    };
  }

  #gather(): void {
    // Whoever waits for the first publication need not wait longer.
    const waitMs = this.#published ? (this.#options.gatherMs ?? gatherMsDefault) : 0;
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#republish();
    }, waitMs);
  }

  /** After a change of endpoints: a policy that was accepted is not at fault, so what cannot be published is our own. */
  #republish(): void {
    try {
      this.#publish(this.#policy.policy);
    } catch (error) {
      this.#options.log.error({ error: String(error) }, "the endpoints as they are now cannot be published");
    }
  }

  /** Throws INVALID_POLICY; what was published before stays then. */
  #publish(policy: TrafficPolicy): void {
    // Before the first list of endpoints an empty one would send clients away.
    const endpoints = this.#endpoints;
    const roles = [...new Set([...this.#roles, ...this.#wanted])].sort();
    const next = new Publication({ roles, endpoints: endpoints ?? [], policy });
    if (endpoints === undefined) return;
    if (next.version !== this.#published?.version) {
      this.#published = next;
      this.#publishMs = this.#options.clock.now();
    }
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #refused(refusal: MeshError): void {
    const { log, policyFile } = this.#options;
    log.error(
      { file: policyFile },
      `the traffic policy is refused, the last good one stays: ${refusal.message}`,
    );
    this.#tell();
  }

  /** What no client could use is left out, rather than refused by each of them with everything beside it. */
  #isUsable({ id, role, address, port }: Endpoint): boolean {
    const usable = rolePattern.test(role) && isIP(address) !== 0 && port >= 1 && port <= 65_535;
    if (!usable)
      this.#options.log.warn(
        { id, role, address, port },
        "an endpoint is left out: no role, IP address or port",
      );
    return usable;
  }
}
