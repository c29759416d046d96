/** pnpm-lock.yaml, from pnpm 8 (lockfileVersion 6) on. */
import { parse } from "yaml";
import { z } from "zod";
import { type LockedManifest, type LockedPackage, type ReadLockfile, sourceOf } from "./lockfile.ts";

const Asked = z.record(z.string(), z.object({ specifier: z.string(), version: z.string() })).optional();
const Importer = z.object({ dependencies: Asked, devDependencies: Asked, optionalDependencies: Asked });

const PnpmLock = z.object({
  lockfileVersion: z.coerce.string(),
  importers: z.record(z.string(), Importer).optional(),
  packages: z
    .record(
      z.string(),
      z.object({
        resolution: z.object({
          integrity: z.string().optional(),
          tarball: z.string().optional(),
          repo: z.string().optional(),
          directory: z.string().optional(),
        }),
        dev: z.boolean().optional(),
        requiresBuild: z.boolean().optional(),
        deprecated: z.string().optional(),
      }),
    )
    .optional(),
});

export const readPnpmLock: ReadLockfile = (text) => {
  const document: unknown = parse(text);
  const lock = PnpmLock.parse(document);
  // Without workspaces, version 6 has the one importer's fields at the top.
  const importers = lock.importers ?? { ".": Importer.parse(document) };
  const asked = Object.entries(importers).map(([directory, importer]) => ({
    directory,
    entries: entriesOf(importer),
  }));
  const direct = new Set(
    asked.flatMap(({ entries }) => entries.map(([name, { version }]) => `${name}@${withoutPeers(version)}`)),
  );
  const manifests: LockedManifest[] = asked.map(({ directory, entries }) => ({
    directory: directory === "." ? "" : directory,
    asked: new Map(entries.map(([name, { specifier }]) => [name, specifier])),
  }));
  const lines = linesOfKeys(text);
  const packages = Object.entries(lock.packages ?? {}).map(([key, entry]): LockedPackage => {
    const id = withoutPeers(key.replace(/^\//, ""));
    const at = id.indexOf("@", 1);
    const { integrity, tarball, repo, directory } = entry.resolution;
    const resolved = repo ? `git+${repo}` : directory ? `file:${directory}` : tarball;
    return {
      name: at < 0 ? id : id.slice(0, at),
      version: at < 0 ? undefined : id.slice(at + 1),
      line: lines.get(key) ?? 1,
      source: sourceOf(resolved),
      resolved,
      hasIntegrity: integrity !== undefined,
      hasInstallScript: entry.requiresBuild === true,
      deprecated: entry.deprecated,
      isDirect: direct.has(id),
      isDevelopment: entry.dev,
    };
  });
  return { format: `pnpm ${lock.lockfileVersion}`, packages, manifests };
};

function entriesOf(importer: z.infer<typeof Importer>) {
  return Object.entries({
    ...importer.devDependencies,
    ...importer.dependencies,
    ...importer.optionalDependencies,
  });
}

/** `1.2.3(react@19.0.0)` is version 1.2.3, built for that peer. */
function withoutPeers(version: string): string {
  return version.replace(/\(.*$/, "");
}

function linesOfKeys(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  for (const [index, line] of text.split("\n").entries()) {
    const key = /^ {2}'?([^ '].*?)'?:$/.exec(line)?.[1];
    if (key !== undefined && !lines.has(key)) lines.set(key, index + 1);
  }
  return lines;
}
