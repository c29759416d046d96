/**
 * Effects between tasks, which may live in different queues (and hash slots). The script that causes an effect writes it into
 * its own queue's outbox in the same step; it is delivered right after, and what a crash leaves there the sweep delivers.
 * Every step may be repeated, so an entry is deleted only after its effect was applied.
 *
 *   link     child → parent's queue: tell me when you end. A parent that has ended answers at once.
 *   settled  parent → child's queue: I ended. A bad end is asked for again first, since a retry may have undone it.
 */

import { queueOf } from "../../core/ids.ts";
import { isFinal, parentFailed, type TaskState, taskStates } from "../task.ts";
import { allOf, type Calls, eachBy } from "./calls.ts";
import { uniqueOf } from "./keys.ts";
import { packFailure } from "./pack.ts";

interface Effect {
  readonly entry: string;
  readonly kind: "link" | "settled";
  readonly child: string;
  readonly parent: string;
  readonly succeeded: boolean;
}

interface Settlement {
  readonly child: string;
  readonly parent: string;
  readonly state: "SUCCEEDED" | "FAILED" | "CANCELED" | "MISSING";
}

/** Entries deleted by one command. */
const acknowledgedMax = 1_000;

/** What became of children, by id. */
export type SettledStates = ReadonlyMap<string, TaskState>;

export class Effects {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** Delivers entries of outboxes, and what follows from them, to the end. */
  async deliver(entries: readonly string[]): Promise<SettledStates> {
    const states = new Map<string, TaskState>();
    let pending = entries.map(parseEffect);
    while (pending.length > 0) {
      const certain = pending.filter((effect) => effect.succeeded);
      const asked = await this.#link(pending.filter((effect) => !effect.succeeded));
      const followed = await this.#settle([...certain.map(asSuccess), ...asked], states);
      await this.#acknowledge(pending);
      pending = followed.map(parseEffect);
    }
    return states;
  }

  /** Registers children with their parents; answers the parents that have ended already. */
  async #link(effects: readonly Effect[]): Promise<Settlement[]> {
    const { outcomes } = await this.#calls.batch({
      script: "link",
      items: effects,
      idOf: ({ parent }) => parent,
      packer: eachBy((writer, { parent, child }) => writer.text8(uniqueOf(parent)).text8(child)),
      width: 1,
      read: (outcome) => stateOf(outcome[0] as number),
      missing: "MISSING" as TaskState | "MISSING",
    });
    return effects.flatMap(({ child, parent }, index) => {
      const state = outcomes[index] as TaskState | "MISSING";
      return state === "MISSING" || isFinal(state) ? [{ child, parent, state }] : [];
    });
  }

  async #settle(
    settlements: readonly Settlement[],
    states: Map<string, TaskState>,
  ): Promise<readonly string[]> {
    const { outcomes, effects } = await this.#calls.batch({
      script: "settle",
      items: settlements,
      idOf: ({ child }) => child,
      packer: eachBy((writer, { child, parent, state }) => {
        writer.text8(uniqueOf(child)).text32(parent);
        if (state === "SUCCEEDED") return writer.u8(1).u32(0).u32(0);
        const failure = parentFailed(parent, state);
        return writer.u8(0).blob32(packFailure(failure)).text32(failure.message);
      }),
      width: 1,
      read: (outcome) => stateOf(outcome[0] as number),
      missing: "MISSING" as TaskState | "MISSING",
    });
    settlements.forEach(({ child }, index) => {
      const state = outcomes[index] as TaskState | "MISSING";
      if (state !== "MISSING") states.set(child, state);
    });
    return effects;
  }

  async #acknowledge(effects: readonly Effect[]): Promise<void> {
    const outboxes = new Map<string, string[]>();
    for (const { kind, child, parent, entry } of effects) {
      const outbox = this.#calls.keys.outbox(queueOf(kind === "link" ? child : parent) as string);
      const entries = outboxes.get(outbox);
      if (entries === undefined) outboxes.set(outbox, [entry]);
      else entries.push(entry);
    }
    const calls: Promise<unknown>[] = [];
    for (const [outbox, entries] of outboxes)
      for (let first = 0; first < entries.length; first += acknowledgedMax)
        calls.push(
          this.#calls.connection.call("ZREM", outbox, ...entries.slice(first, first + acknowledgedMax)),
        );
    await allOf(calls);
  }
}

/** `SEQUENCE|KIND|STATE|CHILD|PARENT`, as lua/include/moves.lua writes it. */
const entryPattern = /^\d+\|(link|settled)\|(\d*)\|([^|]*)\|(.*)$/s;

function parseEffect(entry: string): Effect {
  const [, kind, state, child, parent] = entryPattern.exec(entry) as unknown as [string, ...EntryParts];
  const succeeded = kind === "settled" && taskStates[Number(state)] === "SUCCEEDED";
  return { entry, kind, child, parent, succeeded };
}

type EntryParts = [kind: "link" | "settled", state: string, child: string, parent: string];

function asSuccess({ child, parent }: Effect): Settlement {
  return { child, parent, state: "SUCCEEDED" };
}

/** A state's byte in a reply; 255 and what else is none: there is no such task. */
export function stateOf(byte: number): TaskState | "MISSING" {
  return taskStates[byte] ?? "MISSING";
}
