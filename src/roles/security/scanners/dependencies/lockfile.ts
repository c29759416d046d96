/** What a lockfile says, whatever its format. */
import type { Manifest } from "./manifest.ts";

/** Where a package comes from. */
export type PackageSource = "registry" | "git" | "url" | "plain-http" | "local";

export interface LockedPackage {
  readonly name: string;
  readonly version: string | undefined;
  /** Line of its entry in the lockfile, from 1. */
  readonly line: number;
  readonly source: PackageSource;
  /** Its address as the lockfile has it. */
  readonly resolved: string | undefined;
  readonly hasIntegrity: boolean;
  readonly hasInstallScript: boolean;
  /** The author's words. */
  readonly deprecated: string | undefined;
  readonly isDirect: boolean;
  /** Undefined where the format does not say. */
  readonly isDevelopment: boolean | undefined;
}

/** One package.json as the lockfile remembers it: name → the range that was asked for. */
export interface LockedManifest {
  /** Relative to the lockfile's directory; "" for the one beside it. */
  readonly directory: string;
  readonly asked: ReadonlyMap<string, string>;
}

export interface Lockfile {
  /** Such as "npm 3". */
  readonly format: string;
  readonly packages: readonly LockedPackage[];
  /** Undefined where the format does not remember them. */
  readonly manifests: readonly LockedManifest[] | undefined;
}

/** Reads one format; `manifest` is the package.json beside the lockfile. Throws where the text is not of the format. */
export type ReadLockfile = (text: string, manifest: Manifest | undefined) => Lockfile;

const gitHosts = new Set(["codeload.github.com", "github.com", "gitlab.com", "bitbucket.org"]);

/** Tells a package's source by its address; a registry's tarballs stand under `/-/`, GitHub's registry under `/download/`. */
export function sourceOf(resolved: string | undefined): PackageSource {
  if (!resolved) return "registry";
  if (/^(git[+:@]|github:|gitlab:|bitbucket:|ssh:)|\.git(#|$)/.test(resolved)) return "git";
  if (/^(file|link|portal|workspace):/.test(resolved)) return "local";
  if (resolved.startsWith("http:")) return "plain-http";
  if (!resolved.startsWith("https:")) return "registry";
  const url = URL.parse(resolved);
  if (url && gitHosts.has(url.hostname)) return "git";
  const isRegistry = url && (url.pathname.includes("/-/") || url.pathname.startsWith("/download/"));
  return isRegistry ? "registry" : "url";
}
