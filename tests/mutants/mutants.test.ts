/** The mutants still fit the sources; `make mutants` shows that their tests notice them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mutants } from "./index.ts";
import { edited } from "./mutant.ts";

const root = join(import.meta.dirname, "../..");

describe.each(mutants)("$name", ({ edits, tests }) => {
  test("finds what it changes exactly once", () => {
    const texts = new Map<string, string>();
    for (const edit of edits) {
      const before = texts.get(edit.file) ?? readFileSync(join(root, edit.file), "utf8");
      texts.set(edit.file, edited(before, edit));
      expect(texts.get(edit.file)).not.toBe(before);
    }
  });

  test("names tests that are there", () => {
    expect(tests.length).toBeGreaterThan(0);
    expect(tests.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});

test("their names are their own", () => {
  const names = mutants.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test("an edit whose text is not there once is refused", () => {
  const edit = { file: "a.ts", from: "b", to: "$&c" };
  expect(edited("abc", edit)).toBe("a$&cc");
  expect(() => edited("ac", edit)).toThrow("a.ts has 0 times");
  expect(() => edited("abb", edit)).toThrow("a.ts has 2 times");
});
