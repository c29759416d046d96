/** Words in committed texts: what must not be in any, and what docs may name only where it exists. */
import { types } from "@babel/core";
import { type Breach, nodesOf, type Source } from "./source.ts";

/** A committed text file. */
export interface Text {
  readonly path: string;
  readonly text: string;
}

function* linesOf({ path, text }: Text): Generator<{ path: string; line: number; text: string }> {
  let line = 0;
  for (const each of text.split("\n")) yield { path, line: ++line, text: each };
}

/** Written so that this file does not hold what it forbids. */
const registryHosts = new RegExp(
  ["registry\\.(npmjs|yarnpkg)", "(npm|pypi|maven)\\.pkg\\.", "arti[f]actory", "deb\\.debian"].join("|"),
  "i",
);

/** Hosts of package registries: where packages come from is each machine's own affair. */
export function registryNamed(file: Text): readonly Breach[] {
  return [...linesOf(file)]
    .filter(
      ({ text }) =>
        registryHosts.test(text) || (file.path === "package-lock.json" && /"resolved":/.test(text)),
    )
    .map(({ path, line }) => ({ path, line, says: "names a package registry" }));
}

/** `make TARGET` in code spans and code blocks that the Makefile does not have. */
export function unknownTargets(page: Text, targets: readonly string[]): readonly Breach[] {
  return unknownNames(page, /\bmake ([a-z][a-z-]*)/g, targets, "make");
}

/** `agentmesh COMMAND` in code spans and code blocks that the CLI does not have. */
export function unknownCommands(page: Text, commands: readonly string[]): readonly Breach[] {
  return unknownNames(page, /(?:^|[\s`$;&|])agentmesh ([a-z][a-z-]*)/g, commands, "agentmesh");
}

function unknownNames(
  page: Text,
  pattern: RegExp,
  known: readonly string[],
  program: string,
): readonly Breach[] {
  return [...codeOf(page)].flatMap(({ path, line, text }) =>
    [...text.matchAll(pattern)]
      .map((match) => match[1] ?? "")
      .filter((name) => !known.includes(name))
      .map((name) => ({ path, line, says: `there is no \`${program} ${name}\`` })),
  );
}

/** The code of a Markdown page: the lines of fenced blocks (shell prompts and comments too), and spans in backticks. */
function* codeOf(page: Text): Generator<{ path: string; line: number; text: string }> {
  let fenced = false;
  for (const line of linesOf(page)) {
    if (/^\s*(```|~~~)/.test(line.text)) fenced = !fenced;
    else if (fenced) yield { ...line, text: line.text.replace(/\s#\s.*|^#\s.*/, "") };
    else for (const span of line.text.matchAll(/`([^`]+)`/g)) yield { ...line, text: span[1] ?? "" };
  }
}

/** The targets of a Makefile. */
export function makeTargets(makefile: string): readonly string[] {
  return [...makefile.matchAll(/^([a-z][a-z-]*):/gm)].map((match) => match[1] ?? "");
}

/** The commands that sources give to commander: `.command("name …")` and `new Command("name")`. */
export function commandNames(sources: readonly Source[]): readonly string[] {
  return sources.flatMap(({ program }) =>
    [...nodesOf(program)].flatMap((node) => {
      const named = types.isCallExpression(node)
        ? types.isMemberExpression(node.callee) &&
          types.isIdentifier(node.callee.property, { name: "command" })
        : types.isNewExpression(node) && types.isIdentifier(node.callee, { name: "Command" });
      if (!named) return [];
      const [name] = (node as types.CallExpression | types.NewExpression).arguments;
      return types.isStringLiteral(name) ? [name.value.split(" ")[0] ?? ""] : [];
    }),
  );
}

/** The kinds of failure that sources give to tasks: of errors for roles, of `terminal(…)`, of constants called …Kind. */
export function failureKindsIn(sources: readonly Source[]): readonly string[] {
  const kinds = sources
    .flatMap(({ program }) => [...nodesOf(program)].map(kindOf))
    .filter((kind) => kind !== undefined);
  return [...new Set(kinds)].sort();
}

function kindOf(node: types.Node): string | undefined {
  const makers = ["TerminalError", "RetryableError", "terminal"];
  if (types.isNewExpression(node) || types.isCallExpression(node)) {
    const made = types.isIdentifier(node.callee) && makers.includes(node.callee.name);
    const [kind] = node.arguments;
    return made && types.isStringLiteral(kind) ? kind.value : undefined;
  }
  const named =
    types.isVariableDeclarator(node) && types.isIdentifier(node.id) && node.id.name.endsWith("Kind");
  return named && types.isStringLiteral(node.init) ? node.init.value : undefined;
}
