/** What a policy's shape cannot say. Each rule is a function with a name and answers with the faults that it finds. */
import { closest } from "fastest-levenshtein";
import type { FieldViolation } from "../core/errors.ts";
import { rolePattern } from "../core/ids.ts";
import { contractRpcs, rpcsNamed } from "../rpc/contract-rpcs.ts";
import {
  callPolicyOf,
  type RolePolicy,
  type RpcPolicy,
  rpcPoliciesOf,
  type TrafficPolicy,
} from "./policy.ts";

export type PolicyRule = (policy: TrafficPolicy) => readonly FieldViolation[];

/** All rules; a policy that breaks one is not published. */
export const policyRules: readonly PolicyRule[] = [
  rolesHaveNames,
  rpcsExist,
  ringHashNamesItsHeader,
  splitsLeadSomewhere,
  versionsAreNamedOnce,
  backoffGrows,
  ejectionGrows,
  streamsAreNotRetried,
];

/** A section and where it stands. */
interface Placed<Section> {
  readonly path: string;
  readonly section: Section;
}

function rolesOf(policy: TrafficPolicy): Placed<RolePolicy>[] {
  const roles = Object.entries(policy.roles ?? {});
  return [
    ...(policy.defaults ? [{ path: "defaults", section: policy.defaults }] : []),
    ...roles.map(([role, section]) => ({ path: `roles.${role}`, section })),
  ];
}

function rpcsOf(policy: TrafficPolicy): (Placed<RpcPolicy> & { readonly rpc: string })[] {
  return rolesOf(policy).flatMap(({ path, section }) =>
    Object.entries(section.rpcs ?? {}).map(([rpc, own]) => ({
      path: `${path}.rpcs.${rpc}`,
      section: own,
      rpc,
    })),
  );
}

function callsOf(policy: TrafficPolicy): Placed<RpcPolicy>[] {
  return [...rolesOf(policy), ...rpcsOf(policy)];
}

/** A name that no role can have would be served to nobody. */
function rolesHaveNames(policy: TrafficPolicy): FieldViolation[] {
  return Object.keys(policy.roles ?? {})
    .filter((role) => !rolePattern.test(role))
    .map((role) => ({
      field: `roles.${role}`,
      description: "is no name of a role: lower-case words with dashes",
    }));
}

/** A mistyped RPC would leave its policy without effect, in silence. */
function rpcsExist(policy: TrafficPolicy): FieldViolation[] {
  return rpcsOf(policy)
    .filter(({ rpc }) => rpcsNamed(rpc).length === 0)
    .map(({ path, rpc }) => {
      const near = closest(rpc, rpcNames());
      const description = `there is no RPC "${rpc}"; did you mean "${near}"? A whole service is "${near.split("/")[0]}/*"`;
      return { field: path, description };
    });
}

function rpcNames(): string[] {
  return contractRpcs.map(({ name }) => name);
}

/** Without a header every call has the same hash, and one replica takes them all. */
function ringHashNamesItsHeader(policy: TrafficPolicy): FieldViolation[] {
  const description = 'policy ringHash needs a header to hash by, such as header: "x-session"';
  return effective(policy)
    .filter(({ calls }) => calls.balancing.policy === "ringHash" && calls.balancing.header === "")
    .map(({ path }) => ({ field: `${path}.balancing`, description }));
}

/** The policies that hold for every role that is named, for every other, and for their RPCs. */
function effective(policy: TrafficPolicy) {
  return ["", ...Object.keys(policy.roles ?? {})].flatMap((role) => {
    const path = role === "" ? "defaults" : `roles.${role}`;
    const rpcs = [...rpcPoliciesOf(policy, role)];
    return [
      { path, calls: callPolicyOf(policy, role) },
      ...rpcs.map(([rpc, calls]) => ({ path: `${path}.rpcs.${rpc}`, calls })),
    ];
  });
}

/** Weights of 0 alone send a call nowhere, and clients refuse them. */
function splitsLeadSomewhere(policy: TrafficPolicy): FieldViolation[] {
  const description = "the weights add up to 0; give one version a weight above 0";
  return rolesOf(policy)
    .filter(({ section }) => section.versions?.every(({ weight }) => weight === 0))
    .map(({ path }) => ({ field: `${path}.versions`, description }));
}

/** A version with two weights has neither. */
function versionsAreNamedOnce(policy: TrafficPolicy): FieldViolation[] {
  return rolesOf(policy).flatMap(({ path, section }) => {
    const names = (section.versions ?? []).map(({ version }) => version);
    return names
      .map((name, index) => ({ name, index }))
      .filter(({ name, index }) => names.indexOf(name) < index)
      .map(({ name, index }) => ({
        field: `${path}.versions.${index}`,
        description: `version "${name}" is there already; give it one weight`,
      }));
  });
}

/** Clients refuse a longest delay below the first. */
function backoffGrows(policy: TrafficPolicy): FieldViolation[] {
  return callsOf(policy).flatMap(({ path, section: { retries } }) => {
    const { backoffMs, backoffMsMax } = retries ?? {};
    if (backoffMs === undefined || backoffMsMax === undefined || backoffMs <= backoffMsMax) return [];
    const description = `is ${backoffMsMax}, less than backoffMs, ${backoffMs}`;
    return [{ field: `${path}.retries.backoffMsMax`, description }];
  });
}

/** The same of ejections. */
function ejectionGrows(policy: TrafficPolicy): FieldViolation[] {
  return callsOf(policy).flatMap(({ path, section: { outlierDetection } }) => {
    const { ejectionSeconds, ejectionSecondsMax } = outlierDetection ?? {};
    if (ejectionSeconds === undefined || ejectionSecondsMax === undefined) return [];
    if (ejectionSeconds <= ejectionSecondsMax) return [];
    const description = `is ${ejectionSecondsMax}, less than ejectionSeconds, ${ejectionSeconds}`;
    return [{ field: `${path}.outlierDetection.ejectionSecondsMax`, description }];
  });
}

/** A stream that has begun is not tried again by any client, so retries would be an empty promise. */
function streamsAreNotRetried(policy: TrafficPolicy): FieldViolation[] {
  return rpcsOf(policy)
    .filter(({ section }) => (section.retries?.attemptsMax ?? 1) > 1)
    .filter(({ rpc }) => rpcsNamed(rpc).length > 0 && rpcsNamed(rpc).every(({ streams }) => streams))
    .map(({ path }) => ({
      field: `${path}.retries`,
      description: "is for unary RPCs; streams are not tried again",
    }));
}
