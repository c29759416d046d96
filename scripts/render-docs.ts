/** Writes the rendered pages of docs/; with --check it only compares, and fails when one is stale. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderPages } from "./docs/pages.ts";

const root = join(import.meta.dirname, "..");
const check = process.argv.includes("--check");
for (const [path, text] of await renderPages()) {
  const file = join(root, path);
  if (!check) writeFileSync(file, text);
  else if (readOrEmpty(file) !== text) {
    console.error(`${path} is stale: run \`make docs\` and commit it`);
    process.exitCode = 1;
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
