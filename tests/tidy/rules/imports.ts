/** Which way imports go. */
import { type Breach, importsOf, resolveImport, type Source } from "./source.ts";

/** What each folder of src/ may import of ours, besides itself, core and gen. */
const mayImport: Readonly<Record<string, readonly string[]>> = tiersOf();

function tiersOf(): Record<string, readonly string[]> {
  const second = ["queue", "fleet", "rpc", "sandbox", "telemetry"];
  const third = ["agent", "client", "discovery", "scaling", "workflow"];
  const fourth = ["roles", "gateway", "deploy"];
  const tiers: Record<string, readonly string[]> = { core: [] };
  for (const folder of second) tiers[folder] = [];
  for (const folder of third) tiers[folder] = second;
  // A role calls roles through the client, and the workflow's orchestrator is written as a role.
  tiers.agent = [...second, "client", "scaling"];
  tiers.workflow = [...second, "agent", "client", "scaling"];
  for (const folder of fourth) tiers[folder] = [...second, ...third];
  tiers.cli = [...second, ...third, ...fourth];
  return tiers;
}

function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

/** Imports that go against the one way: core ← queue, fleet, rpc, sandbox, telemetry ← agent … ← roles … ← cli. */
export function wrongWay(source: Source): readonly Breach[] {
  const folder = folderOf(source.path);
  if (!folder) return [];
  const allowed = mayImport[folder];
  if (!allowed)
    return [{ path: source.path, line: 1, says: `src/${folder} has no place in the tiers of imports.ts` }];
  return importsOf(source).flatMap(({ specifier, line }) => {
    const target = resolveImport(source.path, specifier);
    if (target === undefined || target.startsWith("gen/")) return [];
    const targetFolder = folderOf(target);
    if (targetFolder && [folder, "core", ...allowed].includes(targetFolder)) return [];
    return [
      {
        path: source.path,
        line,
        says: `${folder} may not import ${target}; ours: ${["core", ...allowed].join(", ")}`,
      },
    ];
  });
}

/** ioredis outside folders called redis. */
export function redisElsewhere(source: Source): readonly Breach[] {
  if (source.path.split("/").slice(0, -1).includes("redis")) return [];
  return importsOf(source)
    .filter(({ specifier }) => specifier === "ioredis" || specifier.startsWith("ioredis/"))
    .map(({ line }) => ({
      path: source.path,
      line,
      says: "ioredis is imported in folders called redis alone",
    }));
}

/** A relative import without the suffix that Node needs. */
export function suffixMissing(source: Source): readonly Breach[] {
  return importsOf(source)
    .filter(({ specifier }) => specifier.startsWith(".") && !/\.(ts|js|json)$/.test(specifier))
    .map(({ line, specifier }) => ({ path: source.path, line, says: `"${specifier}" lacks its suffix .ts` }));
}

/** Loops of imports that are there at run time (type imports are not). Each loop is told once. */
export function importCycles(sources: readonly Source[]): readonly Breach[] {
  const graph = new Map<string, readonly { target: string; line: number }[]>();
  for (const source of sources) {
    const edges = importsOf(source)
      .filter(({ typeOnly }) => !typeOnly)
      .map(({ specifier, line }) => ({ target: resolveImport(source.path, specifier) ?? "", line }));
    graph.set(source.path, edges);
  }
  const breaches: Breach[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    for (const { target, line } of graph.get(path) ?? []) {
      const start = trail.indexOf(target);
      if (start >= 0)
        breaches.push({
          path,
          line,
          says: `imports go round: ${[...trail.slice(start), target].join(" → ")}`,
        });
      else if (!done.has(target)) visit(target, [...trail, target]);
    }
    done.add(path);
  };
  for (const path of graph.keys()) if (!done.has(path)) visit(path, [path]);
  return breaches;
}
