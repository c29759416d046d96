import { expect, test } from "vitest";
import { listRepositoryFiles } from "../../../src/roles/security/repository-files.ts";
import { riskyCode } from "../../../src/roles/security/scanners/risky-code.ts";
import { type Files, makeRepository } from "./repository.ts";

async function scan(files: Files) {
  const root = await makeRepository(files);
  const found = await riskyCode.scan(
    listRepositoryFiles(root).files.filter((file) => riskyCode.reads(file)),
    () => {},
  );
  return {
    ...found,
    places: found.findings.map(({ file, line, rule }) => `${file}:${line} ${rule.slice(5)}`),
  };
}

test.each([
  ["a.js", `eval(text);`, "no-eval"],
  ["a.cjs", `return setTimeout("run()", 1);`, "no-implied-eval"],
  ["a.mjs", `export const f = new Function("a", body);`, "no-new-func"],
  ["a.jsx", `export const A = () => <p onClick={() => eval(text)}>hi</p>;`, "no-eval"],
  ["a.ts", `export abstract class A<T> { constructor(private x: T) { eval(this.x as string); } }`, "no-eval"],
  ["a.tsx", `export const A = <T,>(p: { t: T }) => <p>{eval(p.t as string)}</p>;`, "no-eval"],
  [
    "a.mts",
    `import cp from "node:child_process"; cp.exec(command satisfies string);`,
    "detect-child-process",
  ],
  [
    "a.cts",
    `import cp = require("child_process"); export const r = /^(a+)+$/;`,
    "no-super-linear-backtracking",
  ],
  ["a.js", `with (a) { eval(text); }`, "no-eval"],
  ["a.js", `const buffer = new Buffer(size);`, "detect-new-buffer"],
  ["a.js", `const load = require(name);`, "detect-non-literal-require"],
  ["a.js", `if (password === given) open();`, "detect-possible-timing-attacks"],
  ["a.js", `const key = crypto.pseudoRandomBytes(8);`, "detect-pseudoRandomBytes"],
  ["a.js", `const access = "user${"\u202e"}admin";`, "detect-bidi-characters"],
])("%s: %s", async (file, code, rule) => {
  expect((await scan({ [file]: `\n${code}\n` })).places).toEqual([`${file}:2 ${rule}`]);
});

test("ordinary code has no findings", async () => {
  const code = `import { execFile } from "node:child_process";
import fs from "node:fs";
export const read = (path: string, table: Record<string, string>, key: string) => [fs.readFileSync(path), table[key]];
export const list = (path: string) => execFile("ls", [path]);
setTimeout(() => list("."), 1);
`;
  expect((await scan({ "a.ts": code, "types.d.ts": "declare const eval: never;" })).places).toEqual([]);
});

test("a file that cannot be parsed becomes a note, and the others are still read", async () => {
  const { places, skipped } = await scan({
    "bad.ts": "const = 1;\n",
    "conflict.js": "<<<<<<< ours\n",
    "good.js": "eval(a)",
  });
  expect(places).toEqual(["good.js:1 no-eval"]);
  expect(skipped).toEqual([
    { file: "bad.ts", reason: "cannot be parsed", detail: expect.stringContaining("Unexpected token") },
    { file: "conflict.js", reason: "cannot be parsed", detail: expect.any(String) },
  ]);
});

test("minified files are left out", async () => {
  expect(await scan({ "a.js": `eval(a);${"b();".repeat(10_000)}` })).toMatchObject({
    findings: [],
    skipped: [{ file: "a.js", reason: "minified" }],
  });
});

test("a file nested too deep for the parser becomes a note", async () => {
  const code = `x = ${"[\n".repeat(20_000)}${"]\n".repeat(20_000)};`;
  expect(await scan({ "a.js": code })).toMatchObject({
    skipped: [{ file: "a.js", reason: "cannot be parsed" }],
  });
});
