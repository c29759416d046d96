/** How every sandbox ends commands: by its limits, by an abort, by their own end; with the kernel's bounds and without. */
import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeLimits } from "../../src/sandbox/describe-limits.ts";
import type { Sandbox, SandboxOptions, SandboxResult } from "../../src/sandbox/sandbox.ts";
import { processesWith, uniqueSleep } from "./contract.ts";

export interface EndsContract {
  readonly name: string;
  readonly open: () => Sandbox;
  /** Who bounds the processes of this one. */
  readonly keeper: "cgroup" | "user" | "watchdog";
}

/** What keeps the limits of this machine. */
export const keepers = await describeLimits();
export const keeper = keepers.processes.startsWith("cgroup") ? "cgroup" : keepers.hard ? "user" : "watchdog";

/** The most processes that are alive where 50 are allowed and 200 tried. */
const aliveMax = { cgroup: 50, user: 65, watchdog: 200 };

export function endsContract({ name, open, keeper }: EndsContract): void {
  describe(`${name}: how commands end`, () => {
    let workspace: string;
    const sandbox = open();
    const shell = (script: string, options: Partial<SandboxOptions> = {}): Promise<SandboxResult> =>
      sandbox.run(["sh", "-c", script], { workspace, ...options });

    beforeEach(async () => {
      workspace = await mkdtemp(join(tmpdir(), "sandbox-test-"));
    });
    afterEach(() => rm(workspace, { recursive: true, force: true }));

    it("ends a command that takes too long, with all that it started", async () => {
      const sleep = uniqueSleep();
      const result = await shell(`setsid sleep ${sleep} & (sleep ${sleep} &) ; sleep ${sleep}`, {
        limits: { timeMs: 300 },
      });
      expect(result).toMatchObject({ end: "timeout", exitCode: undefined });
      expect(processesWith(sleep)).toEqual([]);
    });

    it("leaves nothing running when the command itself has ended", async () => {
      const sleep = uniqueSleep();
      const result = await shell(`setsid sleep ${sleep} >/dev/null 2>&1 & sleep ${sleep} & echo done`);
      expect(result).toMatchObject({ end: "exited", exitCode: 0, stdout: "done\n" });
      expect(processesWith(sleep)).toEqual([]);
    });

    it("ends everything when it is aborted, a command that ignores signals too", async () => {
      const sleep = uniqueSleep();
      const controller = new AbortController();
      const result = await shell(
        `trap '' TERM INT HUP; setsid sleep ${sleep} & echo up; while :; do sleep ${sleep}; done`,
        {
          signal: controller.signal,
          onLine: () => controller.abort(),
        },
      );
      expect(result.end).toBe("aborted");
      expect(processesWith(sleep)).toEqual([]);
    });

    it("ends at once when it was aborted before", async () => {
      const result = await shell("sleep 60", { signal: AbortSignal.abort() });
      expect(result.end).toBe("aborted");
      expect(result.durationMs).toBeLessThan(5_000);
    });

    it("ends a process that uses too much memory", async () => {
      const hog = "const held = []; for (;;) held.push(Buffer.alloc(8 << 20, 1));";
      const result = await sandbox.run(["node", "-e", hog], {
        workspace,
        limits: { memoryBytes: 200 << 20, timeMs: 20_000 },
      });
      expect(result.end).toBe("memory");
    });

    it("counts the memory of all processes together", async () => {
      const sleep = uniqueSleep();
      const hog = "globalThis.held = Buffer.alloc(60 << 20, 1); setInterval(() => {}, 1000)";
      const result = await shell(`for i in 1 2 3 4; do node -e '${hog}' & done; sleep ${sleep}`, {
        limits: { memoryBytes: 220 << 20, timeMs: 20_000 },
      });
      expect(result.end).toBe("memory");
      expect(processesWith(sleep)).toEqual([]);
    });

    it("bounds processes, and tells it when a command failed by that", async () => {
      // Ends by itself after 200 short sleeps. A refused shell ends at once; the outer one waits, so that whoever looks can.
      const bomb = `( n=0; while [ $n -lt 200 ]; do sleep 5.${randomInt(1_000_000)} & echo up; n=$((n + 1)); done; wait )
        echo refused; until [ -e seen ]; do :; done; exit 1`;
      let started = 0;
      const result = await shell(bomb, {
        limits: { processesMax: 50, timeMs: 20_000 },
        onLine: (line) => {
          if (line === "up") started += 1;
          if (line === "refused") setTimeout(() => writeFileSync(join(workspace, "seen"), ""), 200);
        },
      });
      expect(result.end).toBe("processes");
      expect(result.durationMs).toBeLessThan(4_000);
      // All that started were alive at once.
      expect(started).toBeLessThanOrEqual(aliveMax[keeper]);
    });

    describe.skipIf(keeper !== "cgroup")(
      "with refusals counted (skipped where the kernel does not count them)",
      () => {
        const refusals = (tried: number, then: string) =>
          sandbox.run(
            [
              "node",
              "-e",
              `
          const { spawn } = require("node:child_process");
          const held = Array.from({ length: ${tried} }, () => spawn("sleep", ["5"]).on("error", () => {}));
          ${then}`,
            ],
            { workspace, limits: { processesMax: 40, timeMs: 20_000 } },
          );

        it("lets a command be that lives with a refusal", async () => {
          const result = await refusals(60, "for (const child of held) if (child.pid) child.kill()");
          expect(result).toMatchObject({ end: "exited", exitCode: 0 });
        });

        it("ends a command that goes on trying", async () => {
          const result = await refusals(150, "setInterval(() => {}, 1_000)");
          expect(result.end).toBe("processes");
          expect(result.durationMs).toBeLessThan(4_000);
        });
      },
    );
  });
}
