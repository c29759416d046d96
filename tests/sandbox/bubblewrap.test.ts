import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bubblewrapSandbox } from "../../src/sandbox/bubblewrap.ts";
import { openSandbox } from "../../src/sandbox/open.ts";
import { processesWith, sandboxContract, uniqueSleep } from "./contract.ts";
import { endsContract, keeper } from "./ends-contract.ts";

const contained = (await openSandbox()).containment === "bubblewrap";

describe.skipIf(!contained)("bubblewrap (skipped where this machine cannot make namespaces)", () => {
  sandboxContract("bubblewrap", bubblewrapSandbox);
  endsContract({ name: "bubblewrap", open: bubblewrapSandbox, keeper });
  endsContract({
    name: "bubblewrap, watched alone",
    open: () => bubblewrapSandbox({ kernelBounds: false }),
    keeper: "watchdog",
  });

  describe("the walls", () => {
    let workspace: string;
    let outside: string;
    const shell = (script: string, options = {}) =>
      bubblewrapSandbox(options).run(["sh", "-c", script], { workspace });

    beforeEach(async () => {
      workspace = await mkdtemp(join(tmpdir(), "walls-test-"));
      // Not below /tmp, which is another directory inside.
      const modules = join(import.meta.dirname, "../../node_modules");
      outside = await mkdtemp(join(modules.startsWith("/tmp/") ? "/opt" : modules, ".outside-"));
    });
    afterEach(async () => {
      await rm(workspace, { recursive: true, force: true });
      await rm(outside, { recursive: true, force: true });
    });

    it("lets nothing be written outside the workspace", async () => {
      await writeFile(join(outside, "there"), "");
      const result = await shell(
        `touch ${outside}/new; rm ${outside}/there; touch /etc/new /usr/new /dev/new /run/new`,
      );
      expect(result.exitCode).toBe(1);
      expect(result.stderr.match(/Read-only file system/g)).toHaveLength(6);
      expect(existsSync(join(outside, "new"))).toBe(false);
      expect(existsSync(join(outside, "there"))).toBe(true);
    });

    it("gives a /tmp of its own, bounded, that is gone afterwards", async () => {
      const name = `walls-${process.pid}`;
      expect((await shell(`echo x > /tmp/${name} && ls /tmp`)).stdout).toContain(name);
      expect(existsSync(`/tmp/${name}`)).toBe(false);
      const full = await shell("head -c 600M /dev/zero > /tmp/full");
      expect(full.stderr).toContain("No space left");
    });

    it("has no network, this machine's own servers included", async () => {
      const server = createServer((socket) => socket.end("reached"));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as { port: number };
      const connect = (host: string, to: number) =>
        `require("node:net").connect(${to}, "${host}").on("error", e => console.log(e.code)).on("data", d => console.log(String(d)))`;
      try {
        const own = await bubblewrapSandbox().run(["node", "-e", connect("127.0.0.1", port)], { workspace });
        expect(own.stdout.trim()).toBe("ECONNREFUSED");
        const far = await bubblewrapSandbox().run(["node", "-e", connect("192.0.2.1", 80)], { workspace });
        expect(far.stdout.trim()).toBe("ENETUNREACH");
      } finally {
        server.close();
      }
    });

    it("shows no process of the machine and no environment of ours", async () => {
      const { stdout } = await shell(
        "ls /proc | grep -c '^[0-9]'; cat /proc/*/environ | tr '\\0' '\\n' | grep -c VITEST",
      );
      const [processes, leaks] = stdout.trim().split("\n").map(Number);
      expect(processes).toBeLessThan(10);
      expect(leaks).toBe(0);
    });

    it("hides homes, sockets and password hashes", async () => {
      const { stdout } = await shell(`ls -A ${homedir()} /home /run; cat /etc/shadow 2>&1 | head -1`);
      for (const name of [".bashrc", ".npmrc", ".gitconfig", ".ssh", ".cache", ".config", "docker.sock"])
        expect(stdout.split("\n")).not.toContain(name);
      expect(stdout).not.toMatch(/^root:/m);
    });

    it("hides what it is told to hide", async () => {
      await writeFile(join(outside, "data"), "secret");
      expect((await shell(`cat ${outside}/data`)).stdout).toBe("secret");
      expect((await shell(`ls -A ${outside}`, { hide: [outside] })).stdout).toBe("");
    });

    it("ends with the process that runs it, however that ends", async () => {
      const sleep = uniqueSleep();
      const module = join(import.meta.dirname, "../../src/sandbox/bubblewrap.ts");
      const script = `
        import { bubblewrapSandbox } from ${JSON.stringify(module)};
        await bubblewrapSandbox().run(["sh", "-c", "setsid sleep ${sleep} & echo up; sleep ${sleep}"], {
          workspace: ${JSON.stringify(workspace)},
          onLine: () => process.kill(process.pid, "SIGKILL"),
        });`;
      const { signal } = spawnSync(process.execPath, ["--input-type=module", "--eval", script]);
      expect(signal).toBe("SIGKILL");
      await vi.waitFor(() => expect(processesWith(sleep)).toEqual([]), { timeout: 10_000 });
    });

    it("makes no further namespaces and keeps no capability", async () => {
      const { stdout, stderr } = await shell("grep CapEff /proc/self/status; unshare -U true");
      expect(stdout).toMatch(/CapEff:\s+0+\n/);
      expect(stderr).toContain("unshare");
    });

    it("says that it is unavailable when bubblewrap cannot do its part", async () => {
      // A directory of /proc is ours alone: inside, that process does not exist.
      const run = bubblewrapSandbox().run(["true"], { workspace: "/proc/self" });
      await expect(run).rejects.toMatchObject({ reason: "SANDBOX_UNAVAILABLE" });
    });
  });
});
