/** A YAML text against a schema: the value, or every fault with its line. */
import { distance } from "fastest-levenshtein";
import { type Document, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { type FieldViolation, MeshError } from "./errors.ts";
import type { Reason } from "./reasons.ts";

export interface YamlOptions<Schema extends z.ZodType> {
  readonly text: string;
  /** What messages call it. */
  readonly file: string;
  readonly schema: Schema;
  /** Of the error for a text that does not hold. */
  readonly reason: Reason;
  /** What the schema cannot say; a fault's field is a path such as `roles.coding.retries`. */
  readonly rules?: (value: z.infer<Schema>) => readonly FieldViolation[];
}

/** Throws `reason` that names the file, the line and the field of each fault. An empty text is an empty object. */
export function readYaml<Schema extends z.ZodType>(options: YamlOptions<Schema>): z.infer<Schema> {
  const { text, file, schema, reason, rules = () => [] } = options;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const broken = document.errors.map((error) => ({
    field: `${file}:${error.linePos?.[0].line ?? 1}`,
    description: error.message.split("\n")[0] ?? "",
  }));
  if (broken.length > 0) throw MeshError.invalid(broken, reason);
  const placed = ({ path, says }: Fault): FieldViolation => ({
    field: `${file}:${lineOf(document, lines, path)}`,
    description: `${path.join(".") || "the file"}: ${says}`,
  });
  const parsed = schema.safeParse(document.toJS() ?? {});
  if (!parsed.success)
    throw MeshError.invalid(
      parsed.error.issues.flatMap((issue) => faultsOf(schema, issue)).map(placed),
      reason,
    );
  const broke = rules(parsed.data).map(({ field, description }) =>
    placed({ path: pathIn(document, field), says: description }),
  );
  if (broke.length > 0) throw MeshError.invalid(broke, reason);
  return parsed.data;
}

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly says: string;
}

function faultsOf(schema: z.ZodType, issue: z.core.$ZodIssue): Fault[] {
  if (issue.code !== "unrecognized_keys") return [{ path: issue.path, says: issue.message }];
  const known = knownKeys(schema, issue.path);
  return issue.keys.map((key) => ({
    path: [...issue.path, key],
    says: `unknown field; ${suggestion(key, known)}`,
  }));
}

/** The names that may stand where `key` does, the nearest first. */
function suggestion(key: string, known: readonly string[]): string {
  const names = [...known].sort((a, b) => distance(a, key) - distance(b, key));
  const nearest = names[0] ?? "";
  const hint = distance(nearest, key) <= 3 ? `did you mean "${nearest}"? ` : "";
  return `${hint}known are ${names.join(", ")}`;
}

function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const bare = unwrapped(schema);
  const [key, ...rest] = path;
  if (key === undefined) return bare instanceof z.ZodObject ? Object.keys(bare.shape) : [];
  if (bare instanceof z.ZodObject) return knownKeys(bare.shape[String(key)], rest);
  if (bare instanceof z.ZodRecord) return knownKeys(bare.valueType as z.ZodType, rest);
  if (bare instanceof z.ZodArray) return knownKeys(bare.element as z.ZodType, rest);
  return [];
}

function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodOptional ? unwrapped(schema.unwrap() as z.ZodType) : schema;
}

/** The line of what stands at a path, or of the nearest thing around it. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  const node = document.getIn(path.map(String), true) as { range?: [number, number, number] } | undefined;
  if (node?.range) return lines.linePos(node.range[0]).line;
  return path.length === 0 ? 1 : lineOf(document, lines, path.slice(0, -1));
}

/** A dotted field as a path: a key may have dots of its own. */
function pathIn(document: Document, field: string): string[] {
  const parts = field.split(".");
  const path: string[] = [];
  while (parts.length > 0) {
    const lengths = parts.map((_, index) => index + 1).reverse();
    const taken = lengths.find((length) => document.hasIn([...path, parts.slice(0, length).join(".")])) ?? 1;
    path.push(parts.splice(0, taken).join("."));
  }
  return path;
}
