/** What `up` and `serve` share: a mesh from its start to its drained end. */
import { setTimeout as pause } from "node:timers/promises";
import type { Command } from "commander";
import type { Role } from "../agent/role.ts";
import { aborted } from "../core/aborted.ts";
import { systemClock } from "../core/clock.ts";
import { createLogger } from "../core/log.ts";
import { exitCodes } from "./exit-codes.ts";
import { interrupts } from "./interrupts.ts";
import { loadRoles } from "./load-roles.ts";
import { type Mesh, type MeshOptions, startMesh } from "./mesh.ts";
import { print } from "./output.ts";
import { loadSettings } from "./setting-flags.ts";
import { banner } from "./up-banner.ts";
import { packageVersion } from "./version.ts";

/** Serves the roles that `choose` picks of all until a signal ends the process. */
export async function serveMesh(
  self: Command,
  choose: (roles: readonly Role[]) => readonly Role[],
  autoscaleOf: (roles: readonly Role[]) => MeshOptions["autoscale"] = () => undefined,
): Promise<void> {
  const roles = await loadRoles(loadSettings(self).config.roles.modules);
  const served = choose(roles);
  const { config } = loadSettings(self, { places: served.length });
  const log = createLogger(config.log);
  const version = packageVersion();
  using stop = interrupts(() => process.exit(exitCodes.interrupted.code));
  const autoscale = autoscaleOf(roles);
  const mesh = await startMesh({ config, roles, served, version, log, ...(autoscale && { autoscale }) });
  await Promise.race([mesh.ready(), aborted(stop.signal)]);
  if (!stop.signal.aborted) {
    if (process.stdout.isTTY) print(banner({ mesh, served, version, config }));
    // Who reads the banner has read it all.
    if (!process.stdout.isTTY || !process.stderr.isTTY) log.info(whereabouts(mesh), "ready");
  }
  const idleMs = (config.worker.idleSecondsMax ?? 0) * 1_000;
  const signal = await Promise.race([aborted(stop.signal), ...(idleMs > 0 ? [idleFor(mesh, idleMs)] : [])]);
  const { timeoutSeconds } = config.drain;
  log.info(
    {},
    `draining after ${signal}, for ${timeoutSeconds} s at most; a second signal ends the process at once`,
  );
  await mesh.drain(timeoutSeconds * 1_000);
  log.info({}, "stopped");
}

const idleLookMs = 250;

/** Resolves when the mesh's workers have run nothing for so long. */
async function idleFor(mesh: Mesh, idleMs: number): Promise<string> {
  let sinceMs = systemClock.now();
  while (systemClock.now() - sinceMs < idleMs) {
    await pause(idleLookMs);
    if (mesh.running() > 0) sinceMs = systemClock.now();
  }
  return `${idleMs / 1_000} s without work`;
}

function whereabouts(mesh: Mesh): Record<string, unknown> {
  const { servers, httpPort, metricsPort, healthPort, store } = mesh;
  const grpc = Object.fromEntries(servers.map(({ role, address }) => [role, address]));
  return { grpc, httpPort, metricsPort, healthPort, store: store.address, durability: store.durability };
}
