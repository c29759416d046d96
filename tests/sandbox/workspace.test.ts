import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { linkTarget } from "../../src/sandbox/copy-tree.ts";
import { copyWorkspace } from "../../src/sandbox/workspace.ts";

/** A digest of every path, kind, mode, link and content below a directory. */
async function digestOf(directory: string): Promise<string> {
  const hash = createHash("sha256");
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const path of entries.map((entry) => join(entry.parentPath, entry.name)).sort()) {
    const status = await lstat(path);
    hash.update(`${path}\0${status.mode}\0${status.mtimeMs}\0`);
    if (status.isFile()) hash.update(await readFile(path));
    if (status.isSymbolicLink()) hash.update(await readlink(path));
  }
  return hash.digest("hex");
}

describe("copyWorkspace", () => {
  let root: string;
  let source: string;
  let parent: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "workspace-test-"));
    source = join(root, "repository");
    parent = join(root, "copies");
    for (const directory of [
      parent,
      join(source, ".git"),
      join(source, "src", "deep"),
      join(source, "empty"),
    ])
      await mkdir(directory, { recursive: true });
    await writeFile(join(source, ".git", "config"), "token");
    await writeFile(join(source, "src", "deep", "a.js"), "let a;");
    await writeFile(join(source, "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
    await writeFile(join(root, "outside.txt"), "outside");
    await symlink("deep/a.js", join(source, "src", "inside"));
    await symlink(join(source, "run.sh"), join(source, "whole"));
    await symlink("../outside.txt", join(source, "out"));
    await symlink(".", join(source, "loop"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("copies files, modes and empty directories, and leaves .git behind", async () => {
    await using workspace = await copyWorkspace(source, { parent });
    expect((await readdir(workspace.path)).sort()).toEqual([
      "empty",
      "loop",
      "out",
      "run.sh",
      "src",
      "whole",
    ]);
    expect(await readFile(join(workspace.path, "src/deep/a.js"), "utf8")).toBe("let a;");
    expect((await lstat(join(workspace.path, "run.sh"))).mode & 0o777).toBe(0o755);
    expect(workspace).toMatchObject({ bytes: 6 + 10, entries: 9, leftOut: [] });
  });

  it("keeps links as links: inside the copy, or to the same place outside", async () => {
    await using workspace = await copyWorkspace(source, { parent });
    expect(await readlink(join(workspace.path, "src/inside"))).toBe("deep/a.js");
    expect(await readlink(join(workspace.path, "whole"))).toBe("run.sh");
    expect(await readlink(join(workspace.path, "loop"))).toBe(".");
    expect(await readlink(join(workspace.path, "out"))).toBe(join(root, "outside.txt"));
  });

  it("leaves the original as it was, whatever is done to the copy", async () => {
    const before = await digestOf(source);
    {
      await using workspace = await copyWorkspace(source, { parent });
      await writeFile(join(workspace.path, "whole"), "overwritten through a link");
      await rm(join(workspace.path, "src"), { recursive: true });
    }
    expect(await digestOf(source)).toBe(before);
  });

  it("removes the copy, directories that were made unwritable too", async () => {
    let path = "";
    {
      await using workspace = await copyWorkspace(source, { parent });
      path = workspace.path;
      await chmod(join(path, "src"), 0o000);
    }
    expect(existsSync(path)).toBe(false);
    expect(await readdir(parent)).toEqual([]);
  });

  it("says which limit a repository is over, and leaves nothing", async () => {
    for (const [limit, words] of [
      [{ bytesMax: 15 }, /more than 15 bytes/],
      [{ entriesMax: 3 }, /more than 3 files/],
    ] as const) {
      const copy = copyWorkspace(source, { parent, ...limit });
      await expect(copy).rejects.toMatchObject({ kind: "REPOSITORY_TOO_LARGE" });
      await expect(copy).rejects.toThrow(words);
    }
    expect(await readdir(parent)).toEqual([]);
  });

  it("ends when it is aborted, and leaves nothing", async () => {
    const signal = AbortSignal.abort(new Error("no longer wanted"));
    await expect(copyWorkspace(source, { parent, signal })).rejects.toThrow("no longer wanted");
    expect(await readdir(parent)).toEqual([]);
  });

  it("does not copy its own copies", async () => {
    await using workspace = await copyWorkspace(root, { parent });
    expect(await readdir(join(workspace.path, "copies"))).toEqual([]);
  });
});

describe("linkTarget", () => {
  const at = { from: "/r/a/link", source: "/r", copy: "/c" };
  it.each([
    ["b", "b"],
    ["../x", "../x"],
    ["/r/a/b", "b"],
    ["/r", ".."],
    ["../../etc/passwd", "/etc/passwd"],
    ["/rest", "/rest"],
    ["..data/x", "..data/x"],
  ])("%s → %s", (target, expected) => expect(linkTarget(target, at)).toBe(expected));
});
