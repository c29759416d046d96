/** The list of roles as the queue needs it: names, retry policies, timeouts, checks of inputs. */
import type { z } from "zod";
import type { FieldViolation } from "../core/errors.ts";
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
    timeouts: role.timeouts,
    checkInput(field, value) {
      const parsed = role.input.safeParse(value ?? {});
      if (parsed.success) return [];
      return violationsOf(field, role.input, value ?? {}, parsed.error.issues);
    },
  };
}

/** The faults that parsing `value` found; each field's path begins with `field`. */
function violationsOf(
  field: string,
  schema: z.ZodType,
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
): FieldViolation[] {
  return issues.map((issue) => ({
    field: [field, ...issue.path.map(String)].join("."),
    description: wordsOf(issue, schema, valueAt(value, issue.path)),
  }));
}

function wordsOf(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): string {
  if (issue.code === "unrecognized_keys")
    return `has no ${issue.keys.map((key) => `"${key}"`).join(", ")}${knownKeys(schema, issue.path)}`;
  if (issue.code !== "invalid_type") return issue.message;
  if (value === undefined) return "is required";
  return `must be ${withArticle(issue.expected)}; it is ${kindOf(value)}`;
}

/** Told of the whole input alone: deeper down only the schema's own kinds know the way. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string {
  if (path.length > 0 || !("shape" in schema)) return "";
  return `; it knows ${Object.keys(schema.shape as object).join(", ")}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (at === null || at === undefined ? undefined : (at as Record<PropertyKey, unknown>)[key]),
    value,
  );
}

/** A zod name of a type as it stands in a sentence. */
function withArticle(kind: string): string {
  if (kind === "int") return "a whole number";
  if (kind === "record") return "an object";
  return /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Number.isNaN(value)) return "not a number";
  return withArticle(Array.isArray(value) ? "array" : typeof value);
}
