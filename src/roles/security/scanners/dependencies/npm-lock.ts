/** package-lock.json and npm-shrinkwrap.json, of npm 7 and later. */
import { z } from "zod";
import { type LockedManifest, type LockedPackage, type ReadLockfile, sourceOf } from "./lockfile.ts";
import { linesOfObjects, rangesOf } from "./manifest.ts";

const Ranges = z.record(z.string(), z.string()).optional();

const Entry = z.object({
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  dev: z.boolean().optional(),
  devOptional: z.boolean().optional(),
  inBundle: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  deprecated: z.string().optional(),
  dependencies: Ranges,
  devDependencies: Ranges,
  optionalDependencies: Ranges,
});

const PackageLock = z.object({
  lockfileVersion: z.int(),
  packages: z.record(
    z.string(),
    Entry,
    "lockfileVersion 1 has no `packages`: install once with npm 7 or later",
  ),
});

const marker = "node_modules/";

export const readNpmLock: ReadLockfile = (text) => {
  const lock = PackageLock.parse(JSON.parse(text));
  const lines = linesOfObjects(text);
  const manifests: LockedManifest[] = [];
  const installed: [string, z.infer<typeof Entry>][] = [];
  for (const [key, entry] of Object.entries(lock.packages)) {
    if (entry.link) continue;
    if (key.includes(marker)) installed.push([key, entry]);
    else manifests.push({ directory: key, asked: rangesOf(entry) });
  }
  const direct = directKeys(manifests, new Set(installed.map(([key]) => key)));
  const packages = installed.map(
    ([key, entry]): LockedPackage => ({
      name: key.slice(key.lastIndexOf(marker) + marker.length),
      version: entry.version,
      line: lines.get(key) ?? 1,
      source: sourceOf(entry.resolved),
      resolved: entry.resolved,
      // What comes within another package's tarball is covered by that one's hash.
      hasIntegrity: entry.integrity !== undefined || entry.inBundle === true,
      hasInstallScript: entry.hasInstallScript === true,
      deprecated: entry.deprecated,
      isDirect: direct.has(key),
      isDevelopment: entry.dev === true || entry.devOptional === true,
    }),
  );
  return { format: `npm ${lock.lockfileVersion}`, packages, manifests };
};

/** Where npm puts what each manifest asks for: beside it, or at the root. */
function directKeys(manifests: readonly LockedManifest[], installed: ReadonlySet<string>): Set<string> {
  const keys = manifests.flatMap(({ directory, asked }) =>
    [...asked.keys()].map((name) => {
      const own = directory ? `${directory}/${marker}${name}` : `${marker}${name}`;
      return installed.has(own) ? own : `${marker}${name}`;
    }),
  );
  return new Set(keys);
}
