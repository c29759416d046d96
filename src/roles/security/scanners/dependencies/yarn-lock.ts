/**
 * yarn.lock, both the format of Yarn 1 and the YAML of later ones: both are blocks that begin with the ranges asked for,
 * and the fields needed here read the same in either.
 */
import { type LockedPackage, type ReadLockfile, sourceOf } from "./lockfile.ts";

interface Block {
  readonly line: number;
  /** `name@range` of each who asks for it. */
  readonly descriptors: readonly string[];
  readonly fields: ReadonlyMap<string, string>;
}

export const readYarnLock: ReadLockfile = (text, manifest) => {
  const isBerry = /^__metadata:/m.test(text);
  if (!isBerry && !text.includes("# yarn lockfile v1"))
    throw new Error("neither the header of Yarn 1 nor __metadata");
  const blocks = blocksOf(text).filter((block) => !isOwn(block));
  const packages = blocks.map((block): LockedPackage => {
    const name = nameOf(block.descriptors[0] ?? "");
    const resolution = block.fields.get("resolution");
    const resolved = block.fields.get("resolved") ?? resolution?.slice(resolution.indexOf("@", 1) + 1);
    return {
      name,
      version: block.fields.get("version"),
      line: block.line,
      source: sourceOf(resolved),
      resolved,
      hasIntegrity: block.fields.has("integrity") || block.fields.has("checksum"),
      hasInstallScript: false,
      deprecated: undefined,
      isDirect: block.descriptors.some((descriptor) => isAskedFor(descriptor, manifest?.asked)),
      isDevelopment: undefined,
    };
  });
  return { format: isBerry ? "yarn 2+" : "yarn 1", packages, manifests: undefined };
};

function blocksOf(text: string): Block[] {
  const blocks: { line: number; descriptors: string[]; fields: Map<string, string> }[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^(?!#|__metadata)(\S.*):\s*$/.exec(line)?.[1];
    if (header) {
      const descriptors = header.replaceAll('"', "").split(/, */);
      blocks.push({ line: index + 1, descriptors, fields: new Map() });
      continue;
    }
    const field = /^ {2}(\w+):? (.+)$/.exec(line);
    if (field) blocks.at(-1)?.fields.set(field[1]!, field[2]!.trim().replace(/^"|"$/g, ""));
  }
  return blocks;
}

/** Later Yarns list the repository's own packages too. */
function isOwn(block: Block): boolean {
  return block.fields.get("linkType") === "soft";
}

function nameOf(descriptor: string): string {
  const at = descriptor.indexOf("@", 1);
  return at < 0 ? descriptor : descriptor.slice(0, at);
}

function isAskedFor(descriptor: string, asked: ReadonlyMap<string, string> | undefined): boolean {
  const name = nameOf(descriptor);
  const range = descriptor.slice(name.length + 1).replace(/^npm:/, "");
  return asked?.get(name)?.replace(/^npm:/, "") === range;
}
