/** The worker processes of one machine: as many for each role as its scale says; those that die are started again. */
import { type ChildProcess, fork } from "node:child_process";
import { hostname } from "node:os";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { WorkerLoad } from "../agent/instance-load.ts";
import { systemClock } from "../core/clock.ts";
import { uniqueId } from "../core/ids.ts";
import type { FleetCounts, WorkerFleet } from "../scaling/local/driver.ts";
import type { FromWorkerThread, ToWorkerThread, WorkerHostOptions, WorkerThreadData } from "./worker-host.ts";

/** Before a process that died is replaced. */
const restartMs = 1_000;
/** A worker that is one too many ends what it runs, however long that is. */
const patienceMs = 2_147_483_647;

interface Replica {
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
  isReady: boolean;
  isDraining: boolean;
  load: WorkerLoad;
}

const noLoad: WorkerLoad = Object.freeze({ tasksRunning: 0, slots: 0 });

export class LocalFleet implements WorkerFleet {
  readonly #options: Omit<WorkerHostOptions, "roles">;
  readonly #wanted = new Map<string, number>();
  readonly #replicas = new Map<string, Set<Replica>>();
  #hasEnded = false;

  constructor(options: Omit<WorkerHostOptions, "roles">) {
    this.#options = options;
  }

  scale(role: string, replicas: number): void {
    this.#wanted.set(role, replicas);
    this.#settle(role);
  }

  counts(role: string): FleetCounts {
    const all = [...this.#of(role)];
    const count = (which: (replica: Replica) => boolean) => all.filter(which).length;
    return {
      ready: count(({ isReady, isDraining }) => isReady && !isDraining),
      starting: count(({ isReady, isDraining }) => !isReady && !isDraining),
      draining: count(({ isDraining }) => isDraining),
    };
  }

  /** What a role's processes do, all of them together. */
  loadOf(role: string): WorkerLoad {
    const loads = [...this.#of(role)].map(({ load }) => load);
    const sum = (field: keyof WorkerLoad) => loads.reduce((total, load) => total + load[field], 0);
    return { tasksRunning: sum("tasksRunning"), slots: sum("slots") };
  }

  /** Tasks that run, of all roles. */
  get running(): number {
    return [...this.#replicas.keys()].reduce((total, role) => total + this.loadOf(role).tasksRunning, 0);
  }

  /** Lets what runs end for at most `timeoutMs`; the rest goes back to its queue. */
  async drain(timeoutMs: number): Promise<void> {
    this.#hasEnded = true;
    const all = [...this.#replicas.values()].flatMap((replicas) => [...replicas]);
    for (const replica of all) tell(replica, timeoutMs);
    const late = setTimeout(() => {
      for (const { process } of all) process.kill("SIGKILL");
    }, timeoutMs + 2_000);
    await Promise.all(all.map(({ ended }) => ended));
    clearTimeout(late);
  }

  /** Starts what is missing, and drains what is one too many: first those that are not ready, then the least busy. */
  #settle(role: string): void {
    if (this.#hasEnded) return;
    const wanted = this.#wanted.get(role) ?? 0;
    const working = [...this.#of(role)].filter(({ isDraining }) => !isDraining);
    for (let missing = working.length; missing < wanted; missing++) this.#start(role);
    const idleFirst = working.sort(
      (a, b) => Number(a.isReady) - Number(b.isReady) || a.load.tasksRunning - b.load.tasksRunning,
    );
    for (const replica of idleFirst.slice(0, Math.max(0, working.length - wanted))) tell(replica, patienceMs);
  }

  #start(role: string): void {
    const { config, address, version, log, logFile } = this.#options;
    const entry = new URL(`./worker-process${extname(import.meta.filename)}`, import.meta.url);
    const child = fork(fileURLToPath(entry), { serialization: "advanced" });
    const processId = `${hostname()}-${child.pid}-${uniqueId(systemClock.now()).slice(-4)}`;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const replica: Replica = { process: child, ended, isReady: false, isDraining: false, load: noLoad };
    this.#of(role).add(replica);
    child.on("message", ({ disconnected, loads }: FromWorkerThread) => {
      replica.isReady = disconnected.length === 0;
      replica.load = loads.get(role) ?? noLoad;
    });
    const over = (facts: object) => {
      if (!this.#of(role).delete(replica)) return;
      resolve();
      if (replica.isDraining || this.#hasEnded) return;
      log.warn(
        { role, restartMs, ...facts },
        "a worker process died; what it ran is tried again when its leases expire",
      );
      setTimeout(() => this.#settle(role), restartMs).unref();
    };
    // One that could not be started at all has no end; what cannot be sent to one that has died its end tells.
    child.on("error", (error) => {
      if (child.pid === undefined) over({ error: String(error) });
    });
    child.once("exit", (code, signal) => over({ code, signal }));
    if (child.pid === undefined) return;
    child.send({ config, roles: [role], address, processId, version, logFile } satisfies WorkerThreadData);
  }

  #of(role: string): Set<Replica> {
    const replicas = this.#replicas.get(role) ?? new Set();
    this.#replicas.set(role, replicas);
    return replicas;
  }
}

function tell(replica: Replica, drainMs: number): void {
  replica.isDraining = true;
  if (replica.process.connected) replica.process.send({ drainMs } satisfies ToWorkerThread);
}
