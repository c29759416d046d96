/** What is wrong with a lockfile, or with a package.json beside it. Pure. */
import type { RawFinding } from "../../finding.ts";
import { counted, listed } from "../../text.ts";
import type { LockedPackage, Lockfile } from "./lockfile.ts";
import type { Manifest } from "./manifest.ts";

/** Findings on the packages of one lockfile; `file` is its path. */
export function judgePackages(file: string, lockfile: Lockfile): RawFinding[] {
  const at = (locked: LockedPackage, rule: string, message: string): RawFinding => ({
    rule: `dependencies/${rule}`,
    file,
    line: locked.line,
    column: 1,
    message,
  });
  return [
    ...lockfile.packages.flatMap((locked) => {
      const label = locked.version ? `${locked.name}@${locked.version}` : locked.name;
      const address = withoutCredentials(locked.resolved ?? "");
      const found: RawFinding[] = [];
      if (locked.source === "plain-http")
        found.push(at(locked, "plain-http", `${label} comes from ${address}`));
      if (locked.source === "git" || locked.source === "url")
        found.push(at(locked, "not-from-registry", `${label} comes from ${address}`));
      if (locked.hasInstallScript)
        found.push(at(locked, "install-script", `${label} runs an install script`));
      if (locked.deprecated)
        found.push(at(locked, "deprecated", `${label} is deprecated: ${locked.deprecated}`));
      return found;
    }),
    ...judgeIntegrity(lockfile).map(({ first, message }) => at(first, "no-integrity", message)),
  ];
}

/** One finding for all: a lockfile that lacks hashes mostly lacks them throughout. */
function judgeIntegrity(lockfile: Lockfile): { first: LockedPackage; message: string }[] {
  const bare = lockfile.packages.filter(
    (locked) => locked.source !== "git" && locked.source !== "local" && !locked.hasIntegrity,
  );
  const [first] = bare;
  if (!first) return [];
  const names = listed(bare.map((locked) => locked.name));
  return [{ first, message: `${counted(bare.length, "package")} without an integrity hash: ${names}` }];
}

/** Where a package.json and the lockfile's memory of it differ: name, and both ranges. */
export function differences(
  manifest: Manifest,
  locked: ReadonlyMap<string, string>,
): { name: string; how: string }[] {
  const added = [...manifest.asked].flatMap(([name, range]) => {
    const lockedRange = locked.get(name);
    if (lockedRange === range) return [];
    return [
      {
        name,
        how:
          lockedRange === undefined
            ? `${name} is not locked`
            : `${name} is ${range} here and ${lockedRange} there`,
      },
    ];
  });
  const removed = [...locked.keys()]
    .filter((name) => !manifest.asked.has(name))
    .map((name) => ({ name, how: `${name} is only there` }));
  return [...added, ...removed];
}

/** An address may carry a token. */
function withoutCredentials(address: string): string {
  return address.replace(/\/\/[^/@\s]*@/, "//");
}
