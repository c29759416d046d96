/** The pages of the documentation and what they name. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

export interface Page {
  readonly path: string;
  readonly text: string;
  /** The text without its fenced blocks. */
  readonly prose: string;
}

/** A fenced block of a page. */
export interface Block {
  readonly language: string;
  /** The file that it says it is from; empty: none. */
  readonly file: string;
  readonly text: string;
}

const fence = /^```(\S*) ?(.*)\n([\s\S]*?)^```$/gm;

export function pages(): readonly Page[] {
  return globSync(["README.md", "CONTRIBUTING.md", "docs/*.md"], { cwd: root }).map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    return { path, text, prose: text.replace(fence, "") };
  });
}

export function blocksOf({ text }: Page): readonly Block[] {
  return [...text.matchAll(fence)].map(([, language = "", file = "", block = ""]) => ({
    language,
    file,
    text: block,
  }));
}

/** Targets of links, without those of other sites. */
export function linksOf({ prose }: Page): readonly string[] {
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors that GitHub gives to headings. */
export function anchorsOf({ prose }: Page): ReadonlySet<string> {
  const headings = [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** Paths in backticks below the folders that are ours; one with a wildcard or a placeholder is none. */
export function pathsOf({ prose }: Page): readonly string[] {
  return [...prose.matchAll(/`((?:src|tests|docs|proto|scripts|bench|examples)\/[^`\s]*)`/g)]
    .map(([, path = ""]) => path)
    .filter((path) => !/[*<>{}…]|[A-Z]{3,}/.test(path));
}

/** Tests that a page cites: `` `tests/FILE` “title” ``, further titles of the same file after it. */
export function citedTests({ prose }: Page): readonly { readonly file: string; readonly title: string }[] {
  const citations = prose.matchAll(
    /`(tests\/[^`]+\.ts)`((?:(?:\s+and)?\s+“[^”]+”)+)|“([^”]+)” in\s+`(tests\/[^`]+\.ts)`/g,
  );
  return [...citations].flatMap(([, file, titles, title, titleFile]) =>
    file !== undefined
      ? [...(titles ?? "").matchAll(/“([^”]+)”/g)].map(([, one = ""]) => ({ file, title: unwrapped(one) }))
      : [{ file: titleFile ?? "", title: unwrapped(title ?? "") }],
  );
}

function unwrapped(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
