/** What may be reached for where: the environment, the time of day, the console. */
import { types } from "@babel/core";
import { type Breach, lineOf, nodesOf, type Source } from "./source.ts";

/** `object.property`, also written `object["property"]`. */
function isMember(node: types.Node, object: string, property?: string): boolean {
  if (!types.isMemberExpression(node) && !types.isOptionalMemberExpression(node)) return false;
  if (!types.isIdentifier(node.object, { name: object })) return false;
  if (property === undefined) return true;
  return node.computed
    ? types.isStringLiteral(node.property, { value: property })
    : types.isIdentifier(node.property, { name: property });
}

function breachesWhere(source: Source, says: string, test: (node: types.Node) => boolean): readonly Breach[] {
  return [...nodesOf(source.program)]
    .filter(test)
    .map((node) => ({ path: source.path, line: lineOf(node), says }));
}

/** Whether a path lies in one of the folders, or is one of the files. */
export function isUnder(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`));
}

/** `process.env` outside core/config: settings are loaded once and passed. */
export function environmentElsewhere(source: Source): readonly Breach[] {
  if (isUnder(source.path, ["src/core/config"])) return [];
  const importsEnv = (node: types.Node) =>
    types.isImportSpecifier(node) &&
    types.isIdentifier(node.imported, { name: "env" }) &&
    importedFromProcess(source, node);
  const destructured = (node: types.Node) =>
    types.isVariableDeclarator(node) &&
    types.isIdentifier(node.init, { name: "process" }) &&
    types.isObjectPattern(node.id) &&
    node.id.properties.some(
      (one) => types.isObjectProperty(one) && types.isIdentifier(one.key, { name: "env" }),
    );
  return breachesWhere(
    source,
    "process.env is read in src/core/config alone; take the setting as a parameter",
    (node) => isMember(node, "process", "env") || importsEnv(node) || destructured(node),
  );
}

function importedFromProcess(source: Source, specifier: types.ImportSpecifier): boolean {
  return source.program.body.some(
    (statement) =>
      types.isImportDeclaration(statement) &&
      statement.specifiers.includes(specifier) &&
      /^(node:)?process$/.test(statement.source.value),
  );
}

/**
 * Where `performance.now()` may be read besides core/clock, and why: it measures how long something took and says nothing
 * of when, so no test needs to choose it.
 */
const durationsMeasured: Readonly<Record<string, string>> = {
  "src/sandbox": "how long a command ran, and its timeout",
  "src/roles": "how long a piece of a role's work took, for its report",
  "src/telemetry": "histograms of durations",
  "src/rpc": "how long a call took, for its metric",
  "src/client/xds/tally.ts": "how long ago a call was picked, at every pick",
  "src/queue/dispatcher.ts": "how long ago a round was, within a millisecond, at every one",
  "src/agent/heartbeat-thread.ts": "how old a renewal is; a thread cannot be handed a clock",
};

/** Where `Date.now()` may be read besides core/clock, and why. */
const machineTimeRead: Readonly<Record<string, string>> = {
  "src/rpc/connection.ts": "grpc-js counts deadlines on the machine's own clock",
};

/** The time of day read outside core/clock: a clock is a parameter, so that tests choose the time. */
export function timeElsewhere(source: Source): readonly Breach[] {
  if (source.path === "src/core/clock.ts") return [];
  const durations = isUnder(source.path, Object.keys(durationsMeasured));
  return breachesWhere(
    source,
    "the time of day is read in src/core/clock.ts alone; take a Clock as a parameter",
    (node) => {
      if (isMember(node, "Date", "now")) return !(source.path in machineTimeRead);
      if (isMember(node, "performance", "timeOrigin")) return true;
      if (isMember(node, "performance", "now")) return !durations;
      if (isMember(node, "process", "hrtime")) return !durations;
      const made = types.isNewExpression(node) && node.arguments.length === 0;
      const called = types.isCallExpression(node);
      return (made || called) && types.isIdentifier(node.callee, { name: "Date" });
    },
  );
}

/** The console outside cli: a server logs, and a command's answer is the CLI's to print. */
export function consoleElsewhere(source: Source): readonly Breach[] {
  if (isUnder(source.path, ["src/cli"])) return [];
  return breachesWhere(source, "console is used in src/cli alone; take a Logger as a parameter", (node) =>
    isMember(node, "console"),
  );
}
