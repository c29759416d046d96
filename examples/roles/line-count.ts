/** An example of a role: how many lines a repository has. docs/roles.md walks through it. */
import { glob, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { defineRole, TerminalError } from "agentmesh";
import { z } from "zod";

export default defineRole({
  name: "line-count",
  summary: "Counts a repository's lines by kind of file",
  input: z.strictObject({
    repository: z.string(),
    kinds: z.array(z.string()).default([".js", ".ts", ".md"]),
  }),
  output: z.object({ files: z.int(), lines: z.record(z.string(), z.int()) }),
  async run({ repository, kinds }, task) {
    const exclude = ["**/node_modules", "**/.git"];
    const found = await Array.fromAsync(glob("**/*", { cwd: repository, exclude, withFileTypes: true }));
    const files = found.filter((entry) => entry.isFile() && kinds.includes(extname(entry.name)));
    if (files.length === 0) throw new TerminalError("NOTHING_TO_COUNT", `no ${kinds} file in ${repository}`);
    const lines: Record<string, number> = {};
    for (const [place, { parentPath, name }] of files.entries()) {
      task.signal.throwIfAborted();
      if (place % 100 === 0) task.progress(place / files.length, join(parentPath, name));
      const text = await readFile(join(parentPath, name), "utf8");
      lines[extname(name)] = (lines[extname(name)] ?? 0) + text.split("\n").length - 1;
    }
    task.log(`${files.length} files counted`);
    return { files: files.length, lines };
  },
});
