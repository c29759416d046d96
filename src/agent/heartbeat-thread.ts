/**
 * The thread that renews leases: a handler that blocks its own event loop cannot stop it. It has a connection of its own, and
 * one Work stream with no slots for each role. Entry point of a worker thread; see heartbeat.ts for its other end.
 */

import { setTimeout as pause } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import type { WorkResponse } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { msToDuration } from "../core/time.ts";
import { Connection } from "../rpc/connection.ts";
import type { FromHeartbeat, HeldTerm, ToHeartbeat } from "./heartbeat.ts";
import { mustRenew } from "./heartbeat-plan.ts";
import { ReportStream } from "./report-stream.ts";

interface Held {
  readonly fence: number;
  /** When the renewals that are not answered yet were sent over the stream that is up, the oldest first. */
  sentMs: number[];
}

/** The leases of one role, renewed over one stream. */
class RoleRenewals {
  readonly #held = new Map<string, Held>();
  readonly #connection: Connection;
  readonly #role: string;
  readonly #workerId: string;
  readonly #leaseMs: number;
  #stream: ReportStream | undefined;
  /** The server shuts down: the stream ends with the last lease, so that another server is found. */
  #leaving = false;
  #wake: () => void = () => {};

  constructor(connection: Connection, { role, workerId, leaseMs }: ToHeartbeat) {
    this.#connection = connection;
    this.#role = role;
    this.#workerId = workerId;
    this.#leaseMs = leaseMs;
    void this.#converse();
    setInterval(() => this.#renew(), mustRenew(leaseMs));
  }

  hold(terms: readonly HeldTerm[]): void {
    for (const { taskId, fence } of terms) this.#held.set(taskId, { fence, sentMs: [] });
    if (terms.length > 0) this.#wake();
  }

  drop(terms: readonly HeldTerm[]): void {
    for (const { taskId, fence } of terms)
      if (this.#held.get(taskId)?.fence === fence) this.#held.delete(taskId);
    if (this.#leaving && this.#held.size === 0) this.#stream?.end();
  }

  #renew(): void {
    if (this.#stream === undefined || this.#held.size === 0) return;
    const nowMs = performance.now();
    const renew = [...this.#held].map(([taskId, { fence, sentMs }]) => {
      sentMs.push(nowMs);
      return { taskId, fence };
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
      if (this.#held.size === 0)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      try {
        this.#leaving = false;
        for (const held of this.#held.values()) held.sentMs = [];
        this.#stream = new ReportStream(this.#connection, hello);
        this.#renew();
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
    for (const { term, accepted, refusal, state } of response.renewed) {
      const held = term && this.#held.get(term.taskId);
      if (!term || !held || held.fence !== term.fence) continue;
      const { taskId, fence } = term;
      // Every renewal is answered, in order: this one answers the oldest.
      const sentMs = held.sentMs.shift();
      if (accepted && sentMs !== undefined)
        renewed.push({ taskId, fence, agoMs: performance.now() - sentMs });
      else if (refusal?.reason === "LEASE_LOST")
        lost.push({ taskId, fence, canceled: state === TaskState.CANCELED });
    }
    if (renewed.length + lost.length > 0) parentPort?.postMessage({ renewed, lost } satisfies FromHeartbeat);
    this.#leaving ||= response.drain;
    if (this.#leaving && this.#held.size === 0) this.#stream?.end();
  }
}

const connection = new Connection((workerData as { address: string }).address);
const roles = new Map<string, RoleRenewals>();

parentPort?.on("message", (message: ToHeartbeat) => {
  const role = roles.get(message.role) ?? new RoleRenewals(connection, message);
  roles.set(message.role, role);
  role.hold(message.hold);
  role.drop(message.drop);
});
