/** A package.json: what it asks for. */
import { z } from "zod";

const Ranges = z.record(z.string(), z.string()).optional();

const PackageJson = z.object({
  dependencies: Ranges,
  devDependencies: Ranges,
  optionalDependencies: Ranges,
});

export interface Manifest {
  /** Name → range; of a name asked for twice, the one that the package managers install. */
  readonly asked: ReadonlyMap<string, string>;
}

/** Throws where the text is not a package.json. */
export function readManifest(text: string): Manifest {
  return { asked: rangesOf(PackageJson.parse(JSON.parse(text))) };
}

/** All that a package.json, or a lockfile's copy of one, asks for. */
export function rangesOf(asking: z.infer<typeof PackageJson>): ReadonlyMap<string, string> {
  return new Map([
    ...Object.entries(asking.devDependencies ?? {}),
    ...Object.entries(asking.dependencies ?? {}),
    ...Object.entries(asking.optionalDependencies ?? {}),
  ]);
}

/** Line, from 1, of the first `"key":` in JSON text that a tool has laid out; 1 where it is not found. */
export function lineOfKey(text: string, key: string): number {
  const at = text.indexOf(`${JSON.stringify(key)}:`);
  return at < 0 ? 1 : text.slice(0, at).split("\n").length;
}

/** Lines of all keys that open an object, in one pass: a lockfile has tens of thousands. */
export function linesOfObjects(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  for (const [index, line] of text.split("\n").entries()) {
    const key = /^\s*"(.*)": \{/.exec(line)?.[1];
    if (key !== undefined && !lines.has(key)) lines.set(key, index + 1);
  }
  return lines;
}
