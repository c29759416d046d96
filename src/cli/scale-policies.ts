/** The scale policies of a directory: the files of keda/, as a cluster is given them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Role } from "../agent/role.ts";
import { MeshError } from "../core/errors.ts";
import { fleetOf } from "../deploy/fleet.ts";
import { renderKeda } from "../deploy/keda/render.ts";
import type { ScaleSettings } from "../scaling/decide.ts";
import { scaledRoleOf } from "../scaling/external/metadata.ts";
import type { ScaledObjectSpec } from "../scaling/keda.ts";
import { readScaledObject } from "../scaling/scaled-object.ts";

export interface ScalePolicy {
  readonly role: string;
  readonly spec: ScaledObjectSpec;
  readonly settings: ScaleSettings;
  /** Tasks that a replica runs at once. */
  readonly slots: number;
  readonly file: string;
}

/** Where they are looked for when nobody says where. */
export const policyDirectoryDefault = "keda";

/**
 * Of one directory, by role. Without one the roles' own are taken, which are what `make manifests` writes. Throws INVALID_CONFIG that
 * names the file, the line and the field of each fault.
 */
export function readScalePolicies(
  directory: string | undefined,
  roles: readonly Role[],
): ReadonlyMap<string, ScalePolicy> {
  const fleet = fleetOf(roles);
  const scales = new Map(fleet.map(({ name, scale }) => [name, scale]));
  const slots = new Map(roles.map(({ name, concurrency }) => [name, concurrency]));
  const policies = new Map<string, ScalePolicy>();
  for (const [file, text] of textsOf(directory, fleet)) {
    const { role, spec, metadata } = readScaledObject(text, file);
    const { settings } = scaledRoleOf(metadata, scales);
    const bounds = { min: spec.minReplicas, max: spec.maxReplicas };
    const other = policies.get(role);
    if (other)
      throw new MeshError(
        "INVALID_CONFIG",
        `${file} scales "${role}", as ${other.file} does; keep one of them`,
      );
    const runs = slots.get(role) ?? Math.max(1, Math.round(settings.tasksPerReplica));
    policies.set(role, { role, spec, settings: { ...settings, ...bounds }, slots: runs, file });
  }
  return policies;
}

/** Those in the directory itself: folders in it hold alternatives. */
function textsOf(
  directory: string | undefined,
  fleet: ReturnType<typeof fleetOf>,
): [file: string, text: string][] {
  const where = directory ?? policyDirectoryDefault;
  if (directory === undefined && !existsSync(where))
    return [...renderKeda(fleet)].filter(([file]) => file.split("/").length === 2);
  try {
    const names = readdirSync(where)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort();
    if (names.length > 0)
      return names.map((name) => [join(where, name), readFileSync(join(where, name), "utf8")]);
  } catch (cause) {
    throw new MeshError("INVALID_CONFIG", `${where}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  throw new MeshError(
    "INVALID_CONFIG",
    `${where} holds no ScaledObject; \`make manifests\` writes those of the roles to keda/`,
  );
}

/** With the bounds of some roles in place of their files'. Throws INVALID_CONFIG. */
export function withBounds(
  policies: ReadonlyMap<string, ScalePolicy>,
  bounds: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, ScalePolicy> {
  const all = new Map(policies);
  for (const [role, text] of Object.entries(bounds)) {
    const policy = policies.get(role);
    const [, least, most] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
    const [min, max] = [Number(least), Number(most)];
    if (!policy)
      throw new MeshError(
        "INVALID_CONFIG",
        `--bounds ${role}=${text}: no ScaledObject is of "${role}"; there are ${[...policies.keys()].join(", ")}`,
      );
    if (!(min <= max && max >= 1))
      throw new MeshError(
        "INVALID_CONFIG",
        `--bounds ${role}=${text}: write it as ${role}=0-4, the least first and the most above 0`,
      );
    all.set(role, {
      ...policy,
      spec: { ...policy.spec, minReplicas: min, maxReplicas: max },
      settings: { ...policy.settings, min, max },
    });
  }
  return all;
}
