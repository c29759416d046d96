import { rmSync } from "node:fs";
import { onTestFinished } from "vitest";
import { temporaryDirectory } from "../../support/sqlite.ts";

/** A directory that goes with the test. */
export function testDirectory(): string {
  const path = temporaryDirectory();
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
