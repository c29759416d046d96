import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { limits } from "../../../src/roles/security/limits.ts";
import { listRepositoryFiles, readText } from "../../../src/roles/security/repository-files.ts";
import { makeRepository } from "./repository.ts";

const paths = (root: string, exclude?: string[]) =>
  listRepositoryFiles(root, exclude).files.map((file) => file.path);

test("honours .gitignore at every depth, and what a deeper one takes back", async () => {
  const root = await makeRepository({
    ".gitignore": "*.log\n/private/\n",
    "a.log": "x",
    "a.txt": "x",
    "private/b.txt": "x",
    "sub/.gitignore": "!keep.log\nown.txt\n",
    "sub/keep.log": "x",
    "sub/own.txt": "x",
    "sub/deeper/own.txt": "x",
    "sub/private/c.txt": "x",
  });
  expect(paths(root)).toEqual([".gitignore", "a.txt", "sub/.gitignore", "sub/keep.log", "sub/private/c.txt"]);
});

test("looks at ignored dotenv files, marked as such", async () => {
  const root = await makeRepository({
    ".gitignore": ".env*\n",
    ".env": "A=1",
    "app/.env.local": "A=1",
    "app/x.txt": "x",
  });
  expect(
    listRepositoryFiles(root)
      .files.filter((file) => file.ignored)
      .map((file) => file.path),
  ).toEqual([".env", "app/.env.local"]);
});

test("skips directories of dependencies, build output and version control, and says so", async () => {
  const root = await makeRepository({
    "node_modules/a/i.js": "x",
    "dist/i.js": "x",
    ".git/config": "x",
    "src/i.js": "x",
  });
  const { files, skipped } = listRepositoryFiles(root);
  expect(files.map((file) => file.path)).toEqual(["src/i.js"]);
  expect(skipped).toEqual([
    { file: ".git", reason: "version control" },
    { file: "dist", reason: "build or dependency directory" },
    { file: "node_modules", reason: "build or dependency directory" },
  ]);
});

test("leaves out what the input excludes", async () => {
  const root = await makeRepository({
    "fixtures/a.js": "x",
    "src/fixtures/b.js": "x",
    "src/c.test.js": "x",
    "src/d.js": "x",
  });
  expect(paths(root, ["fixtures/", "*.test.js"])).toEqual(["src/d.js"]);
});

test("skips binary and huge files, and reads UTF-16", async () => {
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("token", "utf16le")]);
  const root = await makeRepository({
    "image.png": Uint8Array.of(137, 80, 78, 71, 0, 1),
    "huge.js": "a".repeat(limits.fileBytesMax + 1),
    "package-lock.json": " ".repeat(limits.fileBytesMax + 1),
    "utf16.txt": utf16,
  });
  const { files, skipped } = listRepositoryFiles(root);
  expect(files.map((file) => file.path)).toEqual(["package-lock.json", "utf16.txt"]);
  expect(skipped).toEqual([
    { file: "huge.js", reason: "too large" },
    { file: "image.png", reason: "binary" },
  ]);
  expect(readText(join(root, "utf16.txt"))).toBe("token");
});

test("follows no symbolic link: not in a loop, not out of the repository, not as .gitignore", async () => {
  const outside = await makeRepository({ "secret.txt": "x", patterns: "*" });
  const root = await makeRepository({ "a.txt": "x" });
  await mkdir(join(root, "loop"));
  await symlink("..", join(root, "loop", "up"));
  await symlink("self", join(root, "self"));
  await symlink(outside, join(root, "outside"));
  await symlink(join(outside, "secret.txt"), join(root, "secret.txt"));
  await symlink(join(outside, "patterns"), join(root, ".gitignore"));
  const { files, skipped } = listRepositoryFiles(root);
  expect(files.map((file) => file.path)).toEqual(["a.txt"]);
  expect(skipped.map(({ reason }) => reason)).toEqual(Array(5).fill("symbolic link"));
});
