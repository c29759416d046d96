/** What to say of a role that does not exist. */
import { closest, distance } from "fastest-levenshtein";
import type { Role } from "../agent/role.ts";

/** Names the nearest role, and all of them. */
export function nearestRole(name: string, roles: readonly Role[]): string {
  const names = roles.map((role) => role.name);
  const near = closest(name, names);
  const hint = distance(name, near) <= Math.max(2, name.length / 4) ? `did you mean "${near}"? ` : "";
  return `there is no role "${name.slice(0, 80)}". ${hint}There are ${names.join(", ")}`;
}
