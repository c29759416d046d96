/** Parsed sources: what the rules read. Babel parses, since a real parser alone tells a call from a comment. */
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { parseSync, types } from "@babel/core";

/** A file of the repository. Paths are relative to its root, with slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly program: types.Program;
  readonly comments: readonly types.Comment[];
}

/** One breach of a rule, as an editor can jump to it. */
export interface Breach {
  readonly path: string;
  readonly line: number;
  readonly says: string;
}

/** Parses TypeScript (or the JavaScript in it). */
export function parseSource(path: string, text: string): Source {
  const file = parseSync(text, {
    filename: path,
    configFile: false,
    babelrc: false,
    browserslistConfigFile: false,
    sourceType: "module",
    parserOpts: { plugins: ["typescript"], attachComment: true },
  });
  if (file?.type !== "File") throw new Error(`${path} does not parse`);
  return { path, text, program: file.program, comments: file.comments ?? [] };
}

/** Reads and parses a file under `root`. */
export function readSource(root: string, path: string): Source {
  return parseSource(path, readFileSync(join(root, path), "utf8"));
}

/** Every node of a tree, parents first. */
export function* nodesOf(node: types.Node): Generator<types.Node> {
  yield node;
  for (const key of types.VISITOR_KEYS[node.type] ?? []) {
    const child = (node as unknown as Record<string, unknown>)[key];
    for (const one of Array.isArray(child) ? child : [child]) if (isNode(one)) yield* nodesOf(one);
  }
}

function isNode(value: unknown): value is types.Node {
  return typeof value === "object" && value !== null && "type" in value;
}

/** The line that a node begins on. */
export function lineOf(node: types.Node | types.Comment): number {
  return node.loc?.start.line ?? 1;
}

/** An import, export-from, import() or type import of a file. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Vanishes when types are stripped. */
  readonly typeOnly: boolean;
}

/** Everything that a source imports. */
export function importsOf(source: Source): readonly Import[] {
  const found: Import[] = [];
  for (const node of nodesOf(source.program)) {
    const from = specifierOf(node);
    if (from) found.push({ ...from, line: lineOf(node) });
  }
  return found;
}

function specifierOf(node: types.Node): Omit<Import, "line"> | undefined {
  if (types.isImportDeclaration(node))
    return {
      specifier: node.source.value,
      typeOnly: node.importKind === "type" || allTypes(node.specifiers),
    };
  if (types.isExportNamedDeclaration(node) && node.source)
    return { specifier: node.source.value, typeOnly: node.exportKind === "type" };
  if (types.isExportAllDeclaration(node))
    return { specifier: node.source.value, typeOnly: node.exportKind === "type" };
  if (types.isImportExpression(node) && types.isStringLiteral(node.source))
    return { specifier: node.source.value, typeOnly: false };
  if (types.isTSImportType(node) && types.isStringLiteral(node.source))
    return { specifier: node.source.value, typeOnly: true };
  return undefined;
}

function allTypes(specifiers: types.ImportDeclaration["specifiers"]): boolean {
  return (
    specifiers.length > 0 &&
    specifiers.every((specifier) => types.isImportSpecifier(specifier) && specifier.importKind === "type")
  );
}

/** The repository path that a relative specifier means; undefined for a package. */
export function resolveImport(path: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : undefined;
}
