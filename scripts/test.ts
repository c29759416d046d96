/**
 * Runs the tests with Vitest's own live output and ends with one plain line, `N passed, N failed`, alone on the last line.
 * Arguments go to Vitest. TEST_SUMMARY_FILE names a file that gets the line too.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JsonReport, summaryLine } from "./test-summary.ts";

const folder = mkdtempSync(join(tmpdir(), "agentmesh-tests-"));
const reportFile = join(folder, "report.json");
const vitest = join(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`];
const run = spawnSync(process.execPath, [vitest, "run", ...reporters, ...process.argv.slice(2)], {
  stdio: "inherit",
});
const line = summaryLine(readReport(), run.status === 0);
rmSync(folder, { recursive: true });
const { TEST_SUMMARY_FILE } = process.env;
if (TEST_SUMMARY_FILE) writeFileSync(TEST_SUMMARY_FILE, `${line}\n`);
console.log(line);
process.exitCode = run.status ?? 1;

function readReport(): JsonReport | undefined {
  try {
    return JSON.parse(readFileSync(reportFile, "utf8"));
  } catch {
    return undefined;
  }
}
