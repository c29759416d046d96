/** Repositories for tests, made in temporary directories and removed at each test's end. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** Writes the files and answers with the directory. */
export async function makeRepository(files: Files = {}): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "agentmesh-scan-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

/** Put together here, so that no scan of this repository's own files finds them. */
export const planted = {
  github: ["ghp", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"].join("_"),
  slack: ["xoxb", "123456789012", "1234567890123", "abcdefghijklmnopqrstuvwx"].join("-"),
  database: ["postgres://user", "hunter2secretpw@db.internal.net:5432/app"].join(":"),
  localDatabase: ["postgres://user", "hunter2secretpw@localhost:5432/app"].join(":"),
} as const;
