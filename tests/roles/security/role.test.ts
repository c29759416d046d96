import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runRole } from "../../../src/agent/run-role.ts";
import { TerminalError } from "../../../src/core/errors.ts";
import security, { type SecurityReport } from "../../../src/roles/security/index.ts";
import { makeRepository, planted } from "./repository.ts";

async function scan(repository: string, exclude?: string[]) {
  return runRole<SecurityReport>(security, { repository, ...(exclude ? { exclude } : {}) });
}

const places = ({ findings }: SecurityReport) =>
  findings.map(({ severity, file, line, rule }) => `${severity} ${file}:${line} ${rule}`);

test("each scanner finds its planted fault, at its line, worst first", async () => {
  const repository = await makeRepository({
    "src/config.ini": `# settings\n\ntoken = ${planted.github}\n`,
    "src/run.ts": `import { exec } from "node:child_process";\n\nexport const list = (path: string) => exec(\`ls \${path}\`);\n`,
    "package.json": `{\n  "dependencies": {\n    "left": "^1.0.0"\n  }\n}\n`,
  });
  const { output, logs, progress } = await scan(repository);
  expect(places(output)).toEqual([
    "critical src/config.ini:3 secrets/github",
    "high src/run.ts:3 code/detect-child-process",
    "medium package.json:2 dependencies/no-lockfile",
  ]);
  expect(output.findings[0]!.column).toBe(9);
  expect(output.counts).toEqual({ critical: 1, high: 1, medium: 1, low: 0, info: 0 });
  expect(output.findings.every((finding) => finding.advice.length > 20)).toBe(true);
  expect(logs.map(({ line }) => line.split(":")[0])).toEqual(["files", "secrets", "code", "dependencies"]);
  expect(progress.map(({ message }) => message)).toEqual(["secrets", "code", "dependencies"]);
});

test("no part of the output holds a secret, nor a long piece of one", async () => {
  const lines = Object.values(planted).map((secret, index) => `key${index} = "${secret}"`);
  const repository = await makeRepository({
    "a.txt": lines.join("\n"),
    "b.js": `const c = "${planted.github}";\nexport = ;`,
  });
  const { output, logs } = await scan(repository);
  const everything = JSON.stringify([output, logs]);
  for (const secret of Object.values(planted)) expect(everything).not.toContain(secret.slice(-12));
  expect(places(output)).toEqual([
    "critical a.txt:1 secrets/github",
    "critical b.js:1 secrets/github",
    "high a.txt:2 secrets/slack",
    "high a.txt:3 secrets/database-connection-string",
    "low a.txt:4 secrets/database-connection-string",
  ]);
});

test("a clean repository has no findings, and the report says what was not checked", async () => {
  const repository = await makeRepository({
    "src/a.js": "export const a = 1;\n",
    "tool.py": "print(1)\n",
    "go.sum": "",
  });
  const { output } = await scan(repository);
  expect(output.findings).toEqual([]);
  expect(output.sarif.runs[0].results).toEqual([]);
  expect(output.scanned.files).toBe(3);
  expect(output.notScanned).toEqual([
    { kind: "go.sum", files: 1 },
    { kind: "Python", files: 1 },
  ]);
  expect(output.dependencies.vulnerabilities).toMatch(/^not checked/);
});

test("a repository that is not there ends the task for good", async () => {
  const repository = await makeRepository({ file: "" });
  for (const path of [join(repository, "nowhere"), join(repository, "file")]) {
    const failure = await scan(path).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TerminalError);
    expect(failure).toMatchObject({ kind: "REPOSITORY_NOT_FOUND", message: expect.stringContaining(path) });
  }
});

test("unknown and empty fields of the input are refused", async () => {
  for (const input of [
    {},
    { repository: "" },
    { repository: "/tmp", excludes: [] },
    { repository: "/tmp", exclude: "x" },
  ])
    await expect(runRole(security, input)).rejects.toThrow();
});

test("the repository's own configuration is neither run nor obeyed, and nothing is written", async () => {
  const marker = join(await makeRepository(), "ran");
  const program = `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "");\nmodule.exports = {};\n`;
  const repository = await makeRepository({
    "package.json": `{ "type": "commonjs" }\n`,
    "eslint.config.js": program,
    ".eslintrc.js": program,
    "babel.config.js": program,
    ".babelrc.js": program,
    ".secretlintrc.js": program,
    ".browserslistrc": "nonsense\n",
    "a.js": `/* eslint-disable */\neval(text); // eslint-disable-line\n`,
    "b.txt": `# secretlint-disable\n${planted.slack}\n`,
  });
  const before = await snapshot(repository);
  const { output } = await scan(repository);
  expect(existsSync(marker)).toBe(false);
  expect(places(output)).toEqual(["high a.js:2 code/no-eval", "high b.txt:2 secrets/slack"]);
  expect(await snapshot(repository)).toEqual(before);
});

test("a report has a bounded size, whatever is found", async () => {
  const line = `setTimeout("a", 1);\n`;
  const directory = "long-name-".repeat(20);
  const files = Array.from({ length: 30 }, (_, index) => [
    `${directory}/${directory}${index}.js`,
    line.repeat(60),
  ]);
  const { output } = await scan(await makeRepository(Object.fromEntries(files)));
  expect(output.counts.high).toBe(1_800);
  expect(output.findings.length + output.truncated.findings).toBe(1_800);
  expect(output.findings.length).toBeGreaterThan(100);
  expect(Buffer.byteLength(JSON.stringify(output))).toBeLessThan(800_000);
});

async function snapshot(root: string): Promise<[string, string][]> {
  const names = (await readdir(root)).sort();
  return Promise.all(
    names.map(async (name) => [name, await readFile(join(root, name), "utf8")] as [string, string]),
  );
}
