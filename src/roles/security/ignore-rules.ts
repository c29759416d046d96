/** What a repository's .gitignore files leave out. Pure. */
import ignore, { type Ignore } from "ignore";

/** The .gitignore files from the repository down to one directory. */
export interface IgnoreRules {
  /** `path` is relative to the repository; a directory's ends with a slash. */
  ignores(path: string): boolean;
  /** These rules and those of a .gitignore found in `directory` ("" for the repository itself). */
  with(directory: string, text: string): IgnoreRules;
}

interface Layer {
  readonly prefix: string;
  readonly patterns: Ignore;
}

export function ignoreRules(layers: readonly Layer[] = []): IgnoreRules {
  return {
    ignores(path) {
      // As git does: the deepest .gitignore with a word on the path has the last one.
      for (const layer of layers.toReversed()) {
        const verdict = test(layer.patterns, path.slice(layer.prefix.length));
        if (verdict.ignored) return true;
        if (verdict.unignored) return false;
      }
      return false;
    },
    with: (directory, text) =>
      ignoreRules([...layers, { prefix: directory && `${directory}/`, patterns: ignore().add(text) }]),
  };
}

/** A test for the paths that the task's input excludes, by the same patterns. */
export function excludes(patterns: readonly string[]): (path: string) => boolean {
  const matcher = ignore().add([...patterns]);
  return (path) => test(matcher, path).ignored;
}

function test(patterns: Ignore, path: string): { ignored: boolean; unignored: boolean } {
  return ignore.isPathValid(path) ? patterns.test(path) : { ignored: false, unignored: false };
}
