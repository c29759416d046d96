/** Opens embedded stores in directories of their own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../src/core/clock.ts";
import { openSqliteStore, type SqliteStoreOptions } from "../../src/queue/sqlite/store.ts";
import type { StoreLimits } from "../../src/queue/store.ts";
import type { OpenedStore } from "../contract/store.ts";
import { auditFile } from "../queue/sqlite/audit.ts";

export const testLimits: StoreLimits = {
  queueTasksMax: 100_000,
  logEntriesMax: 10_000,
  retentionMs: 3_600_000,
  retentionTasksMax: 100_000,
};

/** A clock that stands until it is moved. */
export class ManualClock implements Clock {
  timeMs = 1_700_000_000_000;
  now = (): number => this.timeMs;

  advance(ms: number): void {
    this.timeMs += ms;
  }
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "agentmesh-test-"));
}

export function openAt(dataDir: string, options: Partial<SqliteStoreOptions> = {}) {
  return openSqliteStore({ file: join(dataDir, "mesh.db"), limits: testLimits, ...options });
}

/** A new store for the contract suite, whose file is looked over after; with a manual clock, the suite moves it. */
export async function openFresh(
  limits: Partial<StoreLimits> = {},
  clock?: ManualClock,
): Promise<OpenedStore> {
  const dataDir = temporaryDirectory();
  const store = await openAt(dataDir, { clock, limits: { ...testLimits, ...limits } });
  return {
    store,
    second: async () => store,
    advance: clock && ((ms) => clock.advance(ms)),
    async close() {
      await store.close();
      const faults = auditFile(join(dataDir, "mesh.db"));
      rmSync(dataDir, { recursive: true });
      if (faults.length > 0) throw new Error(`the store's file is not whole: ${faults.join("; ")}`);
    },
  };
}
