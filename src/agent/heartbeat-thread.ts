/**
 * The thread that renews leases: a handler that blocks its own event loop cannot stop it. It has a connection of its own, and
 * one Work stream with no slots for each role. Entry point of a worker thread; see heartbeat.ts for its other end.
 */

import { setTimeout as pause } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { WorkResponse } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { msToDuration } from "../core/time.ts";
import { Connection } from "../rpc/connection.ts";
import type { FromHeartbeat, ToHeartbeat } from "./heartbeat.ts";
import { mustRenew } from "./heartbeat-plan.ts";
import { ReportStream } from "./report-stream.ts";

interface Held {
  readonly fence: number;
  /** When the last renewal that is not answered yet was sent. */
  sentMs: number;
}

/** The leases of one role, renewed over one stream. */
class RoleRenewals {
  readonly held = new Map<string, Held>();
  readonly #connection: Connection;
  readonly #role: string;
  readonly #workerId: string;
  readonly #leaseMs: number;
  #stream: ReportStream | undefined;

  constructor(connection: Connection, role: string, workerId: string, leaseMs: number) {
    this.#connection = connection;
    this.#role = role;
    this.#workerId = workerId;
    this.#leaseMs = leaseMs;
    void this.#converse();
    setInterval(() => this.renew(), mustRenew(leaseMs));
  }

  renew(): void {
    if (this.#stream === undefined || this.held.size === 0) return;
    const sentMs = performance.now();
    const renew = [...this.held].map(([taskId, held]) => {
      held.sentMs = sentMs;
      return { taskId, fence: held.fence };
    });
    this.#stream.push({ renew });
  }

  async #converse(): Promise<never> {
    const hello = {
      role: this.#role,
      workerId: this.#workerId,
      version: "",
      slots: 0,
      labels: {},
      lease: msToDuration(this.#leaseMs),
    };
    for (;;) {
      try {
        this.#stream = new ReportStream(this.#connection, hello);
        this.renew();
        for await (const response of this.#stream.responses) this.#hear(response);
      } catch {
        // The worker's own stream tells of a server that has gone; here it is only tried again.
      }
      this.#stream = undefined;
      await pause(Math.min(1_000, this.#leaseMs / 10));
    }
  }

  #hear(response: WorkResponse): void {
    const renewed: FromHeartbeat["renewed"] = [];
    const lost: FromHeartbeat["lost"] = [];
    for (const { term, accepted } of response.renewed) {
      const held = term && this.held.get(term.taskId);
      if (!term || !held || held.fence !== term.fence) continue;
      if (accepted)
        renewed.push({ taskId: term.taskId, fence: term.fence, agoMs: performance.now() - held.sentMs });
      else lost.push({ taskId: term.taskId, fence: term.fence });
    }
    if (renewed.length + lost.length > 0) parentPort?.postMessage({ renewed, lost } satisfies FromHeartbeat);
  }
}

const connection = new Connection((workerData as { address: string }).address);
const roles = new Map<string, RoleRenewals>();

parentPort?.on("message", (message: ToHeartbeat) => {
  let role = roles.get(message.role);
  if (role === undefined) {
    role = new RoleRenewals(connection, message.role, message.workerId, message.leaseMs);
    roles.set(message.role, role);
  }
  if (message.hold)
    role.held.set(message.hold.taskId, { fence: message.hold.fence, sentMs: performance.now() });
  if (message.drop) role.held.delete(message.drop.taskId);
});
