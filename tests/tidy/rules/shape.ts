/** How files and folders look: their size, their names, their docs, and what must not stay in them. */
import { types } from "@babel/core";
import { type Breach, lineOf, nodesOf, type Source } from "./source.ts";

export const linesMax = 300;

/** A file over the size that a reader takes in. */
export function tooLong(source: Source): readonly Breach[] {
  const lines = source.text.split("\n").length - (source.text.endsWith("\n") ? 1 : 0);
  if (lines <= linesMax) return [];
  return [
    {
      path: source.path,
      line: linesMax,
      says: `has ${lines} lines, ${linesMax} at most; split it by what its parts do`,
    },
  ];
}

const foldersByKind = ["interfaces", "types", "utils", "util", "helpers", "common", "misc"];

/** Folders named after a kind of code in place of what the code does. */
export function folderByKind(path: string): readonly Breach[] {
  const bad = path
    .split("/")
    .slice(0, -1)
    .find((folder) => foldersByKind.includes(folder));
  return bad ? [{ path, line: 1, says: `a folder called ${bad} says nothing of what is in it` }] : [];
}

/** Marks of unfinished work in comments. */
export function unfinished(source: Source): readonly Breach[] {
  return source.comments
    .filter((comment) => /\b(TODO|FIXME|XXX|HACK)\b/.test(comment.value))
    .map((comment) => ({
      path: source.path,
      line: lineOf(comment),
      says: "finish it, or write what is so in plain words",
    }));
}

/**
 * Exported functions and classes that nothing tells of: neither their own doc comment nor one at the head of their file. A
 * head that tells what a file is for may leave `isFinal(state)` to its name; a file without one has to tell each.
 */
export function undocumented(source: Source): readonly Breach[] {
  if (hasHead(source)) return [];
  const exported = source.program.body.filter(
    (node) => types.isExportNamedDeclaration(node) || types.isExportDefaultDeclaration(node),
  );
  const bare = exported.filter((node) => node.declaration && needsDoc(node.declaration) && !hasDoc(node));
  const breaches = bare.map((node) => ({
    path: source.path,
    line: lineOf(node),
    says: `${nameOf(node)} has no doc comment, nor has the file`,
  }));
  const silent = exported.length > 0 && !exported.some(hasDoc);
  const says = "neither the file nor an export says what it is for";
  return silent ? [{ path: source.path, line: 1, says }, ...breaches] : breaches;
}

/** A comment before the first statement belongs to the file where a blank line parts them, or the statement exports nothing. */
function hasHead({ program }: Source): boolean {
  const [first] = program.body;
  if (!first) return true;
  const [comment] = docsOf(first);
  if (!comment) return false;
  const exports = types.isExportNamedDeclaration(first) || types.isExportDefaultDeclaration(first);
  return !exports || docsOf(first).length > 1 || (comment.loc?.end.line ?? 0) < lineOf(first) - 1;
}

function docsOf(node: types.Node): readonly types.Comment[] {
  const comments = node.leadingComments ?? [];
  return comments.filter(({ type, value }) => type === "CommentBlock" && value.startsWith("*"));
}

function hasDoc(node: types.Node): boolean {
  return docsOf(node).length > 0;
}

function needsDoc(node: types.Node): boolean {
  return types.isFunctionDeclaration(node) || types.isClassDeclaration(node);
}

function nameOf(node: types.ExportNamedDeclaration | types.ExportDefaultDeclaration): string {
  const declaration = node.declaration;
  const named = types.isFunctionDeclaration(declaration) || types.isClassDeclaration(declaration);
  return (named && declaration.id?.name) || "the default export";
}

/**
 * Tests that are skipped, focused or left to be written. A skip is fine where it says why: `context.skip("no bubblewrap")`
 * in the test, or `test.skipIf(condition)` on a test whose title goes on with the reason, such as "… (needs bubblewrap)".
 */
export function silentSkips(source: Source): readonly Breach[] {
  const breaches: Breach[] = [];
  const breach = (node: types.Node, says: string) =>
    breaches.push({ path: source.path, line: lineOf(node), says });
  for (const node of nodesOf(source.program)) {
    if (!types.isCallExpression(node)) continue;
    const { object, property } = chainOf(node.callee);
    if (!object) continue;
    const isTest = ["test", "it", "describe"].includes(object);
    if (isTest && property === "only") breach(node, "a focused test hides all others");
    if (isTest && property === "todo") breach(node, "write the test, or leave it out");
    if (isTest && property === "skip")
      breach(node, "skip inside the test with a reason: context.skip(reason)");
    const reason = node.arguments.at(-1);
    if (!isTest && property === "skip" && /^(context|ctx|t)$/.test(object) && !isReason(reason))
      breach(node, "a skip says why: context.skip(reason)");
  }
  for (const [node, title] of conditionalSkips(source))
    if (!/\([^)]+\)\s*$/.test(title))
      breach(node, "the title of a test that may be skipped ends with its reason in brackets");
  return breaches;
}

function isReason(node: types.Node | undefined): boolean {
  if (types.isStringLiteral(node)) return node.value.trim() !== "";
  return node !== undefined && !types.isBooleanLiteral(node) && !types.isFunction(node);
}

function chainOf(callee: types.Node): { object?: string; property?: string } {
  if (!types.isMemberExpression(callee) || !types.isIdentifier(callee.property)) return {};
  if (types.isIdentifier(callee.object))
    return { object: callee.object.name, property: callee.property.name };
  const inner = chainOf(callee.object);
  return inner.object ? { object: inner.object, property: callee.property.name } : {};
}

/** Calls such as `test.skipIf(c)("title", …)` with their titles. */
function* conditionalSkips(source: Source): Generator<[types.Node, string]> {
  for (const node of nodesOf(source.program)) {
    if (!types.isCallExpression(node) || !types.isCallExpression(node.callee)) continue;
    const { property } = chainOf(node.callee.callee);
    if (property !== "skipIf" && property !== "runIf") continue;
    const [title] = node.arguments;
    if (types.isStringLiteral(title)) yield [node, title.value];
    else if (types.isTemplateLiteral(title)) yield [node, title.quasis.at(-1)?.value.raw ?? ""];
  }
}
