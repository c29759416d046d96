/**
 * Names of resources. A role's listener and route have its own name, so that clients dial `xds:///role`. A cluster is what calls
 * of one treatment go to: the role, one version of it, or either for an RPC that is balanced otherwise.
 */

/** What a cluster is for. */
export interface ClusterKey {
  readonly role: string;
  /** Replicas of this version alone. */
  readonly version?: string;
  /** For calls of this RPC or service alone, as the policy writes it. */
  readonly rpc?: string;
}

export function clusterName({ role, version, rpc }: ClusterKey): string {
  return `${assignmentName({ role, version })}${rpc === undefined ? "" : `:${rpc}`}`;
}

/** The list of endpoints that clusters share: `weighted` ones have theirs grouped by capacity. */
export function assignmentName({ role, version }: ClusterKey, weighted = false): string {
  return `${role}${version === undefined ? "" : `@${version}`}${weighted ? "~weighted" : ""}`;
}
