/** The roles of examples/roles, as docs/roles.md shows how to test them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import lineCompare from "../../examples/roles/line-compare.ts";
import lineCount from "../../examples/roles/line-count.ts";
import { runRole } from "../../src/agent/run-role.ts";

function repositoryWith(files: Readonly<Record<string, string>>): string {
  const repository = mkdtempSync(join(tmpdir(), "agentmesh-test-"));
  onTestFinished(() => rmSync(repository, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(repository, name), text);
  return repository;
}

test("lines are counted by kind of file", async () => {
  const repository = repositoryWith({ "a.ts": "1\n2\n", "b.ts": "3\n", "c.md": "4\n", "d.png": "5\n" });
  const { output, logs } = await runRole(lineCount, { repository });
  expect(output).toEqual({ files: 3, lines: { ".ts": 3, ".md": 1 } });
  expect(logs).toEqual([{ level: "info", line: "3 files counted" }]);
});

test("a repository with nothing to count is an error that no attempt mends", async () => {
  const counted = runRole(lineCount, { repository: repositoryWith({}) });
  await expect(counted).rejects.toMatchObject({ name: "TerminalError", kind: "NOTHING_TO_COUNT" });
});

test("a role that calls another is tested with answers in its place", async () => {
  const sizes: Record<string, number> = { "/one": 10, "/two": 20 };
  const call = async (_role: string, input: unknown) => {
    const { repository } = input as { repository: string };
    return { files: 1, lines: { ".ts": sizes[repository] } };
  };
  const { output } = await runRole(lineCompare, { repositories: ["/one", "/two"] }, { call });
  expect(output).toEqual({ larger: "/two", lines: [10, 20] });
});
