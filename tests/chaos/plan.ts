/** Which faults are made when. Pure: the seed and the options say all. */
import { between, type Chance, oneOf, seededChance } from "./chance.ts";

export type Place = "redis" | "servers";

export type Fault =
  | { readonly kind: "kill"; readonly member: "server" | "worker" | "submitter" }
  /** SIGTERM, as in a rolling update: it lets what runs end, and is started again. */
  | { readonly kind: "drain"; readonly member: "server" }
  /** SIGSTOP, and SIGCONT once its leases are long over. */
  | { readonly kind: "freeze"; readonly member: "server" | "worker"; readonly forMs: number }
  | { readonly kind: "cut"; readonly place: Place }
  | {
      readonly kind: "blackhole";
      readonly place: Place;
      readonly mode: "hold" | "swallow" | "deafen";
      readonly forMs: number;
    }
  /** kill -9 of Redis, and its start on the same data. */
  | { readonly kind: "redis"; readonly downMs: number }
  | { readonly kind: "freezeRedis"; readonly forMs: number }
  | { readonly kind: "clock"; readonly member: "server" | "worker"; readonly offsetSeconds: number };

export type FaultKind = Fault["kind"];

export interface PlannedFault {
  readonly atMs: number;
  readonly fault: Fault;
  /** In [0, 1): which of those that it may strike. */
  readonly pick: number;
}

export interface PlanOptions {
  readonly seed: number;
  /** Faults begin before this. */
  readonly ms: number;
  /** Between two faults, on average. */
  readonly everyMs: number;
  /** The longest time that Redis is away at a stretch. */
  readonly outageMsMax: number;
  /** False where clocks cannot be moved. */
  readonly clocks: boolean;
}

/** Every fault that there is, to be made at least once where the time allows it. */
const makers: readonly ((chance: Chance, options: PlanOptions) => Fault)[] = [
  () => ({ kind: "kill", member: "submitter" }),
  () => ({ kind: "kill", member: "worker" }),
  () => ({ kind: "kill", member: "server" }),
  (chance) => ({ kind: "freeze", member: "worker", forMs: between(chance, 3_000, 5_000) }),
  (chance, { outageMsMax }) => ({
    kind: "redis",
    downMs: between(chance, 100, Math.min(1_500, outageMsMax)),
  }),
  (chance) => ({ kind: "cut", place: oneOf(chance, ["redis", "servers"]) }),
  (chance) => ({
    kind: "blackhole",
    place: oneOf(chance, ["redis", "servers"]),
    mode: oneOf(chance, ["hold", "swallow", "deafen"]),
    forMs: between(chance, 500, 4_000),
  }),
  (chance, { clocks }) =>
    clocks
      ? {
          kind: "clock",
          member: oneOf(chance, ["server", "worker"]),
          offsetSeconds: Math.round(between(chance, -3_600, 3_600)),
        }
      : { kind: "cut", place: "servers" },
  (chance) => ({ kind: "freezeRedis", forMs: between(chance, 500, 3_000) }),
  (chance) => ({ kind: "freeze", member: "server", forMs: between(chance, 1_000, 4_000) }),
  () => ({ kind: "drain", member: "server" }),
  (chance) => ({ kind: "kill", member: oneOf(chance, ["server", "worker", "submitter"]) }),
];

/** Long outages come about once in so many faults. */
const longOutageShare = 0.02;

/** Each kind of fault once, and from then on by chance. */
export function planOf(options: PlanOptions): PlannedFault[] {
  const chance = seededChance(options.seed);
  const plan: PlannedFault[] = [];
  let atMs = options.everyMs / 2;
  for (let nth = 0; atMs < options.ms; nth++) {
    const make = makers[nth] ?? oneOf(chance, makers);
    const isLongOutage = nth >= makers.length && options.outageMsMax > 2_000 && chance() < longOutageShare;
    const fault: Fault = isLongOutage
      ? { kind: "redis", downMs: between(chance, 2_000, options.outageMsMax) }
      : make(chance, options);
    plan.push({ atMs, fault, pick: chance() });
    atMs += options.everyMs * between(chance, 0.5, 1.5);
  }
  return plan;
}
