/** One state of the mesh as the control plane publishes it: checked, and encoded when a client of some locality first asks. */
import { MeshError } from "../core/errors.ts";
import { buildSnapshot } from "./build.ts";
import { type Locality, localityUnknown } from "./endpoint.ts";
import { encodeSnapshot, hashOf } from "./envoy/resources.ts";
import { localityPolicyOf } from "./policy.ts";
import { type EncodedSnapshot, resourceKinds, type Snapshot } from "./snapshot.ts";
import { faultsOf } from "./snapshot-rules.ts";

type SnapshotParts = Omit<Parameters<typeof buildSnapshot>[0], "near">;

/** Localities whose snapshots are kept; a mesh has tens. Clients of one too many are served as if nobody knew where they are. */
const localitiesMax = 1_000;

export class Publication {
  readonly parts: SnapshotParts;
  /** Of the whole; the same in every control plane that knows the same. */
  readonly version: string;
  readonly #byLocality = new Map<string, EncodedSnapshot>();
  readonly #anyPreference: boolean;

  /** Throws INVALID_POLICY for what clients could not be served. */
  constructor(parts: SnapshotParts) {
    this.parts = parts;
    this.#anyPreference = parts.roles.some((role) => localityPolicyOf(parts.policy, role).prefer !== "none");
    const encoded = this.snapshotFor(localityUnknown);
    // The policy too: what it says of localities does not show in the snapshot of a client that names none.
    this.version = hashOf([
      JSON.stringify(parts.policy),
      // And what people are shown of endpoints beyond what clients are told: ids, versions.
      JSON.stringify([...parts.endpoints].sort((a, b) => (a.id < b.id ? -1 : 1))),
      ...resourceKinds.map((kind) => encoded[kind].version),
    ]);
  }

  /** The same object for one locality, always. */
  snapshotFor(locality: Locality): EncodedSnapshot {
    const near = this.#anyPreference ? locality : localityUnknown;
    const key = JSON.stringify([near.region, near.zone]);
    const kept = this.#byLocality.get(key);
    if (kept) return kept;
    if (this.#byLocality.size >= localitiesMax) return this.snapshotFor(localityUnknown);
    const encoded = encodeSnapshot(checked(buildSnapshot({ ...this.parts, near })));
    this.#byLocality.set(key, encoded);
    return encoded;
  }
}

function checked(snapshot: Snapshot): Snapshot {
  const faults = faultsOf(snapshot);
  if (faults.length === 0) return snapshot;
  throw new MeshError("INVALID_POLICY", `the snapshot would harm its clients: ${faults.join("; ")}`);
}
