import { describe, expect, it } from "vitest";
import { bubblewrapSandbox } from "../../src/sandbox/bubblewrap.ts";
import { chooseSandbox, openSandbox } from "../../src/sandbox/open.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { uncontainedSandbox } from "../../src/sandbox/uncontained.ts";

const workspace = import.meta.dirname;
const both = { walls: bubblewrapSandbox(), open: uncontainedSandbox() };

describe("openSandbox", () => {
  it("answers with a sandbox that says which walls it has", async () => {
    expect(["bubblewrap", "none"]).toContain((await openSandbox()).containment);
  });
});

describe("chooseSandbox", () => {
  it("takes the walls where they work, whatever is allowed", () => {
    for (const allowUncontained of [true, false])
      expect(chooseSandbox({ ...both, fault: undefined, allowUncontained })).toBe(both.walls);
  });

  it("goes without walls where the user allowed it", () => {
    expect(chooseSandbox({ ...both, fault: "no bwrap", allowUncontained: true })).toBe(both.open);
  });

  describe("without walls and without leave", () => {
    const sandbox: Sandbox = chooseSandbox({ ...both, fault: "bwrap is not installed" });

    it("refuses, names the fault, the remedy and the flag, and what the flag means", async () => {
      const run = sandbox.run(["true"], { workspace });
      await expect(run).rejects.toMatchObject({ reason: "SANDBOX_UNAVAILABLE", code: "FAILED_PRECONDITION" });
      await expect(run).rejects.toThrow(
        /bwrap is not installed.*apt-get install bubblewrap.*--allow-uncontained-commands.*reach the network/s,
      );
    });

    it("runs what is trusted, and says that there are no walls", async () => {
      const lines: string[] = [];
      const onLine = (line: string, stream: string) => void lines.push(`${stream}: ${line}`);
      const result = await sandbox.run(["echo", "ran"], { workspace, trusted: true, onLine });
      expect(result).toMatchObject({ exitCode: 0, containment: "none" });
      expect(lines[0]).toMatch(/^stderr: agentmesh: .*without walls/);
      expect(lines[1]).toBe("stdout: ran");
    });
  });
});
