/** Facts and faults of dependencies, from manifests and lockfiles alone: no network, no database of advisories. */
import { z } from "zod";
import type { RawFinding } from "../../finding.ts";
import { baseName, directoryOf, lockfileFormat, unscannedKind } from "../../kinds.ts";
import { limits } from "../../limits.ts";
import type { DependencyFacts, LockfileFacts } from "../../report.ts";
import { type RepositoryFile, readText } from "../../repository-files.ts";
import { counted, listed } from "../../text.ts";
import type { Scanner } from "../scanner.ts";
import { differences, judgePackages } from "./judge.ts";
import type { Lockfile, ReadLockfile } from "./lockfile.ts";
import { lineOfKey, type Manifest, readManifest } from "./manifest.ts";
import { readNpmLock } from "./npm-lock.ts";
import { readPnpmLock } from "./pnpm-lock.ts";
import { readYarnLock } from "./yarn-lock.ts";

const readers: Readonly<Record<"npm" | "pnpm" | "yarn", ReadLockfile>> = {
  npm: readNpmLock,
  pnpm: readPnpmLock,
  yarn: readYarnLock,
};

type Read<T> = { readonly path: string; readonly text: string } & (
  | { readonly value: T }
  | { readonly fault: string }
);

export const dependencies: Scanner = {
  name: "dependencies",
  reads: (file) =>
    !file.ignored &&
    (baseName(file.path) === "package.json" ||
      lockfileFormat(file.path) !== undefined ||
      isOtherLockfile(file.path)),
  async scan(files, onFile) {
    const manifests = new Map<string, Read<Manifest>>();
    for (const file of files.filter((file) => baseName(file.path) === "package.json")) {
      manifests.set(directoryOf(file.path), read(file, readManifest));
      onFile();
    }
    const lockfiles: Read<Lockfile>[] = [];
    for (const file of files.filter((file) => lockfileFormat(file.path))) {
      const beside = manifests.get(directoryOf(file.path));
      const reader = readers[lockfileFormat(file.path)!];
      lockfiles.push(
        read(file, (text) => reader(text, beside && "value" in beside ? beside.value : undefined)),
      );
      onFile();
    }
    const others = files.filter((file) => isOtherLockfile(file.path)).map((file) => file.path);
    const findings = [
      ...[...manifests.values(), ...lockfiles].flatMap(judgeReading),
      ...lockfiles.flatMap((lockfile) =>
        "value" in lockfile ? judgePackages(lockfile.path, lockfile.value) : [],
      ),
      ...[...manifests].flatMap(([directory, manifest]) =>
        judgeManifest(directory, manifest, lockfiles, others),
      ),
    ];
    return { findings, skipped: [], dependencies: factsOf(manifests.size, lockfiles) };
  },
};

/** A lockfile of another package manager: there, so not missing, but not read. */
function isOtherLockfile(path: string): boolean {
  const kind = unscannedKind(path);
  return kind === "bun.lock" || kind === "deno.lock";
}

function read<T>(file: RepositoryFile, reader: (text: string) => T): Read<T> {
  const text = readText(file.absolutePath) ?? "";
  try {
    return { path: file.path, text, value: reader(text) };
  } catch (error) {
    return { path: file.path, text, fault: faultOf(error) };
  }
}

/** What is wrong, without a quotation of the file: it may hold a token. */
function faultOf(error: unknown): string {
  if (error instanceof SyntaxError) return "it is not JSON";
  if (error instanceof z.ZodError)
    return error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`)[0]!;
  return error instanceof Error ? error.message.split("\n")[0]! : String(error);
}

function judgeReading(reading: Read<unknown>): RawFinding[] {
  if (!("fault" in reading)) return [];
  return [
    {
      rule: "dependencies/unreadable",
      file: reading.path,
      line: 1,
      column: 1,
      message: `cannot be read: ${reading.fault}`,
    },
  ];
}

/** Whether a lockfile covers this package.json, and whether the two agree. */
function judgeManifest(
  directory: string,
  manifest: Read<Manifest>,
  lockfiles: readonly Read<Lockfile>[],
  others: readonly string[],
): RawFinding[] {
  if (!("value" in manifest)) return [];
  const at = (rule: string, message: string, key = ""): RawFinding[] => [
    {
      rule: `dependencies/${rule}`,
      file: manifest.path,
      line: lineOfKey(manifest.text, key),
      column: 1,
      message,
    },
  ];
  let isCovered = others.some((path) => isWithin(directory, directoryOf(path)));
  for (const lockfile of lockfiles) {
    const home = directoryOf(lockfile.path);
    if (!isWithin(directory, home)) continue;
    const remembered = "value" in lockfile ? lockfile.value.manifests : undefined;
    const locked = remembered?.find(
      (candidate) => [home, candidate.directory].filter(Boolean).join("/") === directory,
    );
    // A lockfile that remembers its manifests, and not this one, is another package's.
    if (remembered && !locked && home !== directory) continue;
    isCovered = true;
    const different = locked ? differences(manifest.value, locked.asked) : [];
    if (different.length === 0) continue;
    const how = listed(different.map((difference) => difference.how));
    return at(
      "mismatch",
      `differs from ${lockfile.path} in ${counted(different.length, "dependency", "dependencies")}: ${how}`,
      different[0]!.name,
    );
  }
  const count = manifest.value.asked.size;
  if (isCovered || count === 0) return [];
  return at("no-lockfile", `${counted(count, "dependency", "dependencies")} and no lockfile`, "dependencies");
}

function isWithin(directory: string, parent: string): boolean {
  return parent === "" || directory === parent || directory.startsWith(`${parent}/`);
}

function factsOf(manifests: number, lockfiles: readonly Read<Lockfile>[]): DependencyFacts {
  const facts = lockfiles.flatMap((lockfile) =>
    "value" in lockfile ? [lockfileFacts(lockfile.path, lockfile.value)] : [],
  );
  const sum = (of: (each: LockfileFacts) => number) => facts.reduce((total, each) => total + of(each), 0);
  return {
    manifests,
    lockfiles: facts.slice(0, limits.lockfilesListed),
    packages: sum((each) => each.packages),
    direct: sum((each) => each.direct),
    transitive: sum((each) => each.transitive),
    development: sum((each) => each.development ?? 0),
    vulnerabilities: "not checked: no database of advisories offline",
  };
}

function lockfileFacts(file: string, { format, packages }: Lockfile): LockfileFacts {
  const direct = packages.filter((locked) => locked.isDirect).length;
  const isKnown = packages.every((locked) => locked.isDevelopment !== undefined);
  return {
    file,
    format,
    packages: packages.length,
    direct,
    transitive: packages.length - direct,
    development: isKnown ? packages.filter((locked) => locked.isDevelopment).length : null,
  };
}
