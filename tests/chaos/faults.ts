/** Makes the faults of a plan, and heals them. */
import { setTimeout as pause } from "node:timers/promises";
import type { RedisServer } from "../support/redis.ts";
import type { Member, MemberKind } from "./member.ts";
import type { Fault, Place, PlannedFault } from "./plan.ts";
import type { TcpProxy } from "./proxy.ts";

export interface FaultTargets {
  readonly members: readonly Member[];
  readonly proxies: Readonly<Record<Place, readonly TcpProxy[]>>;
  readonly redis: RedisServer;
}

/** Before a process that was killed is started again. */
const restartMs = 300;

export class Faults {
  /** How many were made, by kind and by what they struck. */
  readonly made: Record<string, number> = {};
  readonly #targets: FaultTargets;
  /** Redis is struck by one fault at a time. */
  #redisIsStruck = false;

  constructor(targets: FaultTargets) {
    this.#targets = targets;
  }

  /** Resolves when the fault is healed. */
  async make({ fault, pick }: PlannedFault): Promise<void> {
    const heal = await this.#strike(fault, pick);
    if (!heal) return;
    const name = nameOf(fault);
    this.made[name] = (this.made[name] ?? 0) + 1;
    await heal();
  }

  /** Answers how it is healed; undefined: there is nothing that it could strike now. */
  async #strike(fault: Fault, pick: number): Promise<(() => Promise<void>) | undefined> {
    const { redis, proxies } = this.#targets;
    switch (fault.kind) {
      case "kill": {
        const member = this.#running(fault.member, pick);
        await member?.kill();
        return member && (() => pause(restartMs).then(() => member.start()));
      }
      case "drain": {
        const member = this.#running(fault.member, pick);
        return member && (() => member.drain().then(() => member.start()));
      }
      case "freeze": {
        const member = this.#running(fault.member, pick);
        member?.freeze();
        return member && (() => pause(fault.forMs).then(() => member.thaw()));
      }
      case "clock": {
        const member = this.#running(fault.member, pick);
        member?.moveClock(fault.offsetSeconds);
        return member && (async () => {});
      }
      case "cut":
        picked(proxies[fault.place], pick)?.cut();
        return async () => {};
      case "blackhole": {
        const proxy = picked(proxies[fault.place], pick);
        if (proxy) proxy.mode = fault.mode;
        return async () => {
          await pause(fault.forMs);
          if (proxy) proxy.mode = "pass";
        };
      }
      case "redis":
        return this.#strikeRedis(async () => {
          await redis.kill();
          await pause(fault.downMs);
          await redis.start();
        });
      case "freezeRedis":
        return this.#strikeRedis(async () => {
          redis.pause();
          await pause(fault.forMs);
          redis.resume();
        });
    }
  }

  #strikeRedis(strike: () => Promise<void>): (() => Promise<void>) | undefined {
    if (this.#redisIsStruck) return undefined;
    this.#redisIsStruck = true;
    return async () => {
      await strike();
      this.#redisIsStruck = false;
    };
  }

  #running(kind: MemberKind, pick: number): Member | undefined {
    return picked(
      this.#targets.members.filter((member) => member.kind === kind && member.isRunning),
      pick,
    );
  }
}

function picked<One>(all: readonly One[], pick: number): One | undefined {
  return all[Math.floor(pick * all.length)];
}

/** Such as "kill worker" or "swallow to redis". */
function nameOf(fault: Fault): string {
  if (fault.kind === "blackhole") return `${fault.mode} to ${fault.place}`;
  if ("member" in fault) return `${fault.kind} ${fault.member}`;
  if ("place" in fault) return `${fault.kind} to ${fault.place}`;
  return fault.kind === "redis" ? "kill redis" : "freeze redis";
}
