/** What the queue needs to know of roles; `agent/` makes it from the list of roles. */
import { closest, distance } from "fastest-levenshtein";
import { type FieldViolation, MeshError } from "../../core/errors.ts";
import type { RetryPolicy, Timeouts } from "../task.ts";

export interface CatalogRole {
  readonly name: string;
  readonly retry: RetryPolicy;
  readonly timeouts: Timeouts;
  /** Faults of a JSON input, with paths below `field`; empty when it fits. */
  checkInput(field: string, value: unknown): readonly FieldViolation[];
}

export type Catalog = ReadonlyMap<string, CatalogRole>;

/** What is wrong with a role's name, or undefined: names the known ones, and the nearest. */
export function unknownRole(catalog: ReadonlyMap<string, unknown>, name: string): string | undefined {
  if (catalog.has(name)) return undefined;
  const names = [...catalog.keys()];
  const near = name === "" || names.length === 0 ? undefined : closest(name, names);
  const hint = near !== undefined && distance(near, name) <= 3 ? ` Did you mean "${near}"?` : "";
  return `there is no role "${name}".${hint} Known are: ${names.join(", ")}`;
}

/** What is known of a role; of a catalog, or of any other list by role. Throws UNKNOWN_ROLE. */
export function roleOf<Known>(catalog: ReadonlyMap<string, Known>, field: string, name: string): Known {
  const role = catalog.get(name);
  if (role) return role;
  const description = unknownRole(catalog, name) ?? "";
  throw new MeshError("UNKNOWN_ROLE", `${field}: ${description}`, { fields: [{ field, description }] });
}
