/**
 * Puts each mutant of tests/mutants/ into a copy of the repository and runs the tests that must notice it. Arguments choose
 * mutants by a part of their name; without any, all are run. Ends with 1 where one survives.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mutants } from "../tests/mutants/index.ts";
import { edited, type Mutant } from "../tests/mutants/mutant.ts";

const root = join(import.meta.dirname, "..");
/** For all test files of one mutant together; a mutant that makes them hang longer is not noticed by them. */
const runMsMax = 300_000;

const parts = process.argv.slice(2).filter((part) => part !== "");
const chosen = mutants.filter(({ name }) => parts.length === 0 || parts.some((part) => name.includes(part)));
if (chosen.length === 0) throw new Error(`no mutant has one of these in its name: ${parts.join(", ")}`);

const copy = copied();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
process.once("exit", () => rmSync(copy, { recursive: true, force: true }));

const files = [...new Set(chosen.flatMap(({ tests }) => tests))];
process.stdout.write(`without a mutant: ${files.length} test files\n`);
const sound = run(files);
if (!sound.passed) {
  process.stderr.write(`${sound.said}\nwithout any mutant this fails: ${sound.failedTest}\n`);
  process.exit(1);
}

process.stdout.write("\n| mutant | noticed by | seconds |\n|---|---|---|\n");
const survivors: Mutant[] = [];
for (const mutant of chosen) {
  const { passed, failedTest, seconds } = withMutant(mutant, () => run(mutant.tests));
  if (passed) survivors.push(mutant);
  const by = passed ? "**nothing**" : failedTest;
  process.stdout.write(`| ${mutant.name} | ${by} | ${seconds.toFixed(1)} |\n`);
}
process.stdout.write(`\n${chosen.length - survivors.length} of ${chosen.length} mutants noticed\n`);
for (const { name, why } of survivors) process.stdout.write(`survived: ${name}: ${why}\n`);
process.exitCode = survivors.length > 0 ? 1 : 0;

/** All that git has or would take, and the installed modules by a link. */
function copied(): string {
  const folder = mkdtempSync(join(tmpdir(), "agentmesh-mutants-"));
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const paths = execFileSync("git", args, { cwd: root, encoding: "utf8" }).split("\0");
  for (const path of paths.filter(
    (one) => one !== "" && statSync(join(root, one), { throwIfNoEntry: false }),
  ))
    cpSync(join(root, path), join(folder, path));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

function withMutant<Value>({ edits }: Mutant, work: () => Value): Value {
  const before = new Map<string, string>();
  for (const edit of edits) {
    const path = join(copy, edit.file);
    const text = readFileSync(path, "utf8");
    if (!before.has(path)) before.set(path, text);
    writeFileSync(path, edited(text, edit));
  }
  try {
    return work();
  } finally {
    for (const [path, text] of before) writeFileSync(path, text);
  }
}

interface Ran {
  readonly passed: boolean;
  /** The first that failed. */
  readonly failedTest: string;
  readonly said: string;
  readonly seconds: number;
}

function run(tests: readonly string[]): Ran {
  const began = performance.now();
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const reportFile = join(copy, "report.json");
  rmSync(reportFile, { force: true });
  const args = [vitest, "run", "--bail=1", "--reporter=json", `--outputFile.json=${reportFile}`, ...tests];
  const ran = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: "utf8",
    timeout: runMsMax,
    maxBuffer: 256 * 1_048_576,
  });
  const seconds = (performance.now() - began) / 1_000;
  const said = `${ran.stdout}${ran.stderr}`;
  // Killed for its time: nothing was noticed.
  if (ran.status === null) return { passed: true, failedTest: "", said, seconds };
  return { passed: ran.status === 0, failedTest: firstFailed(reportFile), said, seconds };
}

interface JsonResult {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function firstFailed(reportFile: string): string {
  const { testResults } = JSON.parse(readFileSync(reportFile, "utf8")) as JsonResult;
  for (const { name, assertionResults, status, message } of testResults) {
    const failed = assertionResults.find((one) => one.status === "failed");
    const what = failed ? `“${failed.fullName.trim()}”` : message.split("\n")[0];
    if (failed || status === "failed") return `${name.slice(copy.length + 1)} ${what}`;
  }
  return "";
}
