/** What every sandbox promises, with walls or without; each back end's test is the few lines that open it. */
import { randomInt } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Sandbox, SandboxOptions, SandboxResult } from "../../src/sandbox/sandbox.ts";

/** Processes of this machine whose command line holds `mark`. */
export function processesWith(mark: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(mark));
}

/** A duration for `sleep` that no other process of this machine has, so that what survives can be found. */
export const uniqueSleep = (): string => `${4_000_000 + process.pid}.${randomInt(1_000_000_000)}`;

export function sandboxContract(name: string, open: () => Sandbox | Promise<Sandbox>): void {
  describe(`${name}: the contract of a sandbox`, () => {
    let workspace: string;
    let sandbox: Sandbox;
    const shell = (script: string, options: Partial<SandboxOptions> = {}): Promise<SandboxResult> =>
      sandbox.run(["sh", "-c", script], { workspace, ...options });

    beforeEach(async () => {
      workspace = await mkdtemp(join(tmpdir(), "sandbox-test-"));
      sandbox = await open();
    });
    afterEach(() => rm(workspace, { recursive: true, force: true }));

    it("runs a command in the workspace, which it can write to", async () => {
      const result = await shell("pwd; echo kept > made.txt; exit 3");
      expect(result).toMatchObject({
        end: "exited",
        exitCode: 3,
        stdout: `${workspace}\n`,
        outputTruncated: false,
      });
      expect(result.containment).toBe(sandbox.containment);
      expect(await readFile(join(workspace, "made.txt"), "utf8")).toBe("kept\n");
    });

    it("passes arguments as they are, without a shell", async () => {
      const result = await sandbox.run(["printf", "%s|", "a b", "$HOME", "'"], { workspace });
      expect(result.stdout).toBe("a b|$HOME|'|");
    });

    it("exits with 127 for a command that does not exist", async () => {
      const result = await sandbox.run(["no-such-command-here"], { workspace });
      expect(result).toMatchObject({ end: "exited", exitCode: 127 });
      expect(result.stderr).toContain("no-such-command-here");
    });

    it("names the signal that ended a command", async () => {
      expect(await shell("kill -SEGV $$")).toMatchObject({
        end: "signaled",
        signal: "SIGSEGV",
        exitCode: undefined,
      });
    });

    it("refuses a workspace that is no directory, relative, or the root", async () => {
      for (const bad of ["/no/such/directory", "relative", "/"])
        await expect(sandbox.run(["true"], { workspace: bad })).rejects.toMatchObject({
          reason: "INVALID_FIELD",
        });
    });

    it("leaks no variable of its own process, and passes the ones it is given", async () => {
      process.env.SANDBOX_TEST_SECRET = "hunter2";
      try {
        const { stdout } = await shell("env", { env: { GIVEN: "yes" } });
        expect(stdout).not.toContain("hunter2");
        expect(stdout).toMatch(/^GIVEN=yes$/m);
        expect(stdout).toMatch(/^CI=true$/m);
        expect(stdout).not.toMatch(new RegExp(`^HOME=${process.env.HOME}$`, "m"));
      } finally {
        delete process.env.SANDBOX_TEST_SECRET;
      }
    });

    it("runs the Node that runs us", async () => {
      expect((await shell("node --version")).stdout.trim()).toBe(process.version);
    });

    it("hands lines over while the command runs, in order, with their stream", async () => {
      const lines: string[] = [];
      // The command waits for a file that is written only once its first lines have been seen.
      const result = await shell(
        "echo one; echo two; until [ -e seen ]; do :; done; echo three >&2; printf four",
        {
          onLine: (line, stream) => {
            lines.push(`${stream}:${line}`);
            if (line === "two") writeFileSync(join(workspace, "seen"), "");
          },
        },
      );
      expect(result.exitCode).toBe(0);
      expect(lines.slice(0, 2)).toEqual(["stdout:one", "stdout:two"]);
      expect(lines.slice(2).toSorted()).toEqual(["stderr:three", "stdout:four"]);
    });

    it("keeps output up to its limit, and goes on reading", async () => {
      const lines: string[] = [];
      const result = await shell("yes 123456789 | head -n 200000; echo end >&2; exit 4", {
        limits: { outputBytes: 1_000 },
        onLine: (line) => lines.push(line),
      });
      expect(result).toMatchObject({ end: "exited", exitCode: 4, outputTruncated: true });
      expect(result.stdout.length + result.stderr.length).toBe(1_000);
      expect(lines.length).toBeLessThanOrEqual(101);
    });

    it("rejects with what a listener of lines throws, and ends the command", async () => {
      const sleep = uniqueSleep();
      const run = shell(`echo hi; sleep ${sleep}`, {
        onLine: () => {
          throw new Error("the listener's own");
        },
      });
      await expect(run).rejects.toThrow("the listener's own");
      expect(processesWith(sleep)).toEqual([]);
    });
  });
}
