/**
 * The exact meaning of {@link QueueStore}. A store's test is the few lines that open it:
 *
 *     storeContract("sqlite", async (limits) => ({ store, second, advance, close }));
 *
 * Every test opens a store of its own and uses queue names of its own, so the stores may share one server. Effects between
 * queues may come later: the suite sweeps until nothing is left to deliver before it looks at a child.
 */
import { describe } from "vitest";
import { cancelCases } from "./store/cancel.ts";
import { dependencyCases } from "./store/dependencies.ts";
import { finishCases } from "./store/finish.ts";
import type { OpenStore } from "./store/kit.ts";
import { laneCases } from "./store/lanes.ts";
import { leaseCases } from "./store/lease.ts";
import { limitCases } from "./store/limits.ts";
import { loadCases } from "./store/load.ts";
import { policyCases } from "./store/policy.ts";
import { randomCases } from "./store/random.ts";
import { readingCases } from "./store/reading.ts";
import { removalCases } from "./store/removal.ts";
import { settingCases } from "./store/settings.ts";
import { signalCases } from "./store/signals.ts";
import { submitCases } from "./store/submit.ts";
import { sweepCases } from "./store/sweep.ts";
import { timeoutCases } from "./store/timeouts.ts";
import { turnCases } from "./store/turns.ts";

export type { OpenedStore, OpenStore } from "./store/kit.ts";

export interface ContractOptions {
  /** Random histories that are made, where fewer than usual must do. */
  readonly randomRuns?: number;
}

export function storeContract(name: string, open: OpenStore, { randomRuns }: ContractOptions = {}): void {
  describe(`${name} keeps the contract of a store`, () => {
    submitCases(open);
    leaseCases(open);
    laneCases(open);
    policyCases(open);
    timeoutCases(open);
    settingCases(open);
    finishCases(open);
    cancelCases(open);
    dependencyCases(open);
    readingCases(open);
    sweepCases(open);
    signalCases(open);
    turnCases(open);
    limitCases(open);
    loadCases(open);
    removalCases(open);
    randomCases(open, randomRuns);
  });
}
