/** The list of roles as the queue needs it: names, retry policies, checks of inputs. */
import type { Catalog, CatalogRole } from "../queue/service/catalog.ts";
import { retryPolicyDefault } from "../queue/task.ts";
import type { Role } from "./role.ts";

export function catalogOf(roles: readonly Role[]): Catalog {
  return new Map(roles.map((role) => [role.name, catalogRole(role)]));
}

function catalogRole(role: Role): CatalogRole {
  return {
    name: role.name,
    retry: {
      attemptsMax: role.retry.attempts,
      backoffInitialMs: role.retry.backoffMs,
      backoffMaxMs: role.retry.backoffMaxMs,
      backoffMultiplier: retryPolicyDefault.backoffMultiplier,
      errorsNotRetried: role.retry.notRetried,
    },
    checkInput(field, value) {
      const parsed = role.input.safeParse(value ?? {});
      if (parsed.success) return [];
      return parsed.error.issues.map((issue) => ({
        field: [field, ...issue.path.map(String)].join("."),
        description: issue.message,
      }));
    },
  };
}
