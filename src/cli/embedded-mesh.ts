/** A mesh for the length of one command: its own store in a directory of its own, free ports, its log in a file. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { MeshClient } from "../client/mesh-client.ts";
import { systemClock } from "../core/clock.ts";
import { uniqueId } from "../core/ids.ts";
import { createLogger } from "../core/log.ts";
import { loadRoles } from "./load-roles.ts";
import { startMesh } from "./mesh.ts";
import { type Chosen, loadSettings } from "./setting-flags.ts";
import { makeDirectory } from "./usable-directory.ts";
import { packageVersion } from "./version.ts";

export interface EmbeddedMesh {
  readonly client: MeshClient;
  readonly logFile: string;
  /** Drains for at most `timeoutMs`; `keep` leaves the store and the log where they are. */
  close(options: { timeoutMs: number; keep: boolean }): Promise<void>;
}

/** Nobody else is to reach it, or to be in its way. */
const ownChoice = Object.freeze({
  "store.url": "sqlite:",
  "bodies.url": "auto",
  "server.host": "127.0.0.1",
  "server.httpPort": 0,
  "server.grpcPort": 0,
  "server.metricsPort": 0,
  "server.healthPort": 0,
}) satisfies Chosen;

export async function startEmbeddedMesh(self: Command): Promise<EmbeddedMesh> {
  const said = loadSettings(self).config;
  const directory = join(said.data.dir, "demo", uniqueId(systemClock.now()));
  const { config } = loadSettings(self, {
    chosen: { ...ownChoice, "data.dir": directory },
  });
  makeDirectory(directory, { setting: "data.dir", flag: "--data-dir" });
  const logFile = join(directory, "mesh.log");
  const { logDestination } = await import("./log-file.ts");
  const log = createLogger({ level: config.log.level, format: "json", destination: logDestination(logFile) });
  const roles = await loadRoles(config.roles.modules);
  const mesh = await startMesh({ config, roles, served: roles, version: packageVersion(), log, logFile });
  const client = new MeshClient({ server: mesh.servers[0]?.address, timeoutMs: 30_000 });
  return {
    client,
    logFile,
    async close({ timeoutMs, keep }) {
      client.close();
      await mesh.drain(timeoutMs);
      if (!keep) rmSync(directory, { recursive: true, force: true });
    },
  };
}
