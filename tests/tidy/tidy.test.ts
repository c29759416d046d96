/** The house's rules, each a test over the repository's own files; rules.test.ts shows that each can fail. */

import { spawnSync } from "node:child_process";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { failureKindNames } from "../../scripts/docs/errors.ts";
import { renderPages } from "../../scripts/docs/pages.ts";
import { importCycles, redisElsewhere, suffixMissing, wrongWay } from "./rules/imports.ts";
import { consoleElsewhere, environmentElsewhere, timeElsewhere } from "./rules/reach.ts";
import { folderByKind, silentSkips, tooLong, undocumented, unfinished } from "./rules/shape.ts";
import { type Breach, readSource, type Source } from "./rules/source.ts";
import {
  commandNames,
  failureKindsIn,
  makeTargets,
  registryNamed,
  type Text,
  unknownCommands,
  unknownTargets,
} from "./rules/words.ts";

const root = join(import.meta.dirname, "../..");

/** Files that are committed or would be: what git ignores is nobody's concern. */
function committedFiles(): readonly string[] {
  return listedByGit().filter((path) => statSync(join(root, path), { throwIfNoEntry: false })?.isFile());
}

/** Where git or its folder is missing, as in an unpacked archive, the files of the folders that are ours. */
function listedByGit(): readonly string[] {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const git = spawnSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (git.status === 0) return git.stdout.split("\0").filter((path) => path !== "");
  return globSync(["*", "{bench,docs,examples,gen,proto,scripts,src,tests}/**"], { cwd: root });
}

const files = committedFiles();
const sourcesIn = (...folders: string[]): readonly Source[] =>
  files
    .filter((path) => path.endsWith(".ts") && folders.some((folder) => path.startsWith(`${folder}/`)))
    .map((path) => readSource(root, path));
const src = sourcesIn("src");
const tests = sourcesIn("tests");
const read = (path: string): Text => ({ path, text: readFileSync(join(root, path), "utf8") });

function shown(breaches: readonly Breach[]): string[] {
  return breaches.map(({ path, line, says }) => `${path}:${line}: ${says}`);
}

function keeps(sources: readonly Source[], rule: (source: Source) => readonly Breach[]): void {
  expect(shown(sources.flatMap(rule))).toEqual([]);
}

test("there are sources to look at", () => {
  expect(src.length).toBeGreaterThan(20);
  expect(tests.length).toBeGreaterThan(5);
});

describe("imports", () => {
  test("go one way through the tiers", () => keeps(src, wrongWay));
  test("do not go round", () => expect(shown(importCycles(src))).toEqual([]));
  test("name ioredis in folders called redis alone", () => keeps(src, redisElsewhere));
  test("have the suffix that Node needs", () => keeps([...src, ...tests], suffixMissing));
});

describe("src", () => {
  test("reads process.env in core/config alone", () => keeps(src, environmentElsewhere));
  test("reads the time of day in core/clock alone", () => keeps(src, timeElsewhere));
  test("prints in cli alone", () => keeps(src, consoleElsewhere));
  test("has no file over 300 lines", () => keeps(src, tooLong));
  test("tells what each file and each exported function and class is for", () => keeps(src, undocumented));
});

describe("all code", () => {
  test("has no folder named after a kind of code", () => {
    expect(
      shown(files.filter((path) => /^(src|tests|scripts|bench)\//.test(path)).flatMap(folderByKind)),
    ).toEqual([]);
  });
  test("has no marks of unfinished work", () =>
    keeps([...src, ...tests, ...sourcesIn("scripts", "bench")], unfinished));
  test("skips no test without a reason", () => keeps(tests, silentSkips));
});

describe("committed files", () => {
  const binary = /\.(png|ico|binpb|woff2?|gz|zip)$/;
  test("name no package registry", () => {
    expect(
      shown(
        files
          .filter((path) => !binary.test(path))
          .map(read)
          .flatMap(registryNamed),
      ),
    ).toEqual([]);
  });
});

describe("docs", () => {
  const pages = files
    .filter((path) => path.endsWith(".md") && !path.startsWith("examples/sample-repository/"))
    .map(read);

  test("that are rendered are fresh", async () => {
    for (const [path, text] of await renderPages())
      expect(read(path).text === text, `${path} is stale: run \`make docs\``).toBe(true);
  });

  test("list the kinds of failure that the mesh itself gives, and no others", () => {
    const given = failureKindsIn(sourcesIn("src/agent", "src/queue", "src/workflow"));
    expect([...failureKindNames].sort()).toEqual(given);
  });

  test("name make targets that exist", () => {
    const targets = makeTargets(read("Makefile").text);
    expect(shown(pages.flatMap((page) => unknownTargets(page, targets)))).toEqual([]);
  });

  test("name commands that exist", ({ skip }) => {
    const commands = commandNames(sourcesIn("src/cli"));
    if (commands.length === 0) skip("the CLI has no commands yet");
    expect(shown(pages.flatMap((page) => unknownCommands(page, [...commands, "help"])))).toEqual([]);
  });

  test("name settings and variables that exist", async () => {
    const { fileVariable, variableOf } = await import("../../src/core/config/names.ts");
    const { settingNames } = await import("../../src/core/config/settings.ts");
    const known = new Set([fileVariable, ...settingNames.map(variableOf)]);
    const unknown = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\bAGENTMESH_[A-Z0-9_]*[A-Z0-9]\b/g)]
        .filter(([name]) => !known.has(name))
        .map(([name]) => `${path}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });
});
