/** The shipped roles and the user's own, as one list. */
import { pathToFileURL } from "node:url";
import type { Role } from "../agent/role.ts";
import { MeshError } from "../core/errors.ts";
import { rolePattern } from "../core/ids.ts";
import { roles as shipped } from "../roles/index.ts";

/** `modules`: absolute paths, each with a role or a list of roles as its default export. Throws INVALID_CONFIG. */
export async function loadRoles(modules: readonly string[]): Promise<readonly Role[]> {
  const all: Role[] = [...shipped];
  for (const path of modules) {
    for (const role of await rolesIn(path)) {
      if (all.some((known) => known.name === role.name))
        throw fault(path, `a role "${role.name}" exists already; give yours another name`);
      all.push(role);
    }
  }
  return all;
}

async function rolesIn(path: string): Promise<Role[]> {
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    throw fault(path, `cannot be loaded: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const roles = Array.isArray(exported) ? exported : [exported];
  for (const role of roles)
    if (!isRole(role))
      throw fault(path, "its default export is not what defineRole answers, nor a list of such");
  return roles as Role[];
}

function isRole(value: unknown): value is Role {
  const role = value as Partial<Role> | null | undefined;
  return typeof role?.run === "function" && typeof role.name === "string" && rolePattern.test(role.name);
}

function fault(path: string, message: string, cause?: unknown): MeshError {
  return new MeshError("INVALID_CONFIG", `roles.modules: ${path} ${message}`, { cause });
}
