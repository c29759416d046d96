/** What every part of the store calls scripts through: batches split by queue and by size, in order, errors gathered. */
import { queueOf } from "../../core/ids.ts";
import type { StoreLimits } from "../store.ts";
import { Writer } from "./bytes.ts";
import type { Argument, Connection } from "./connection.ts";
import { batchError } from "./errors.ts";
import type { Keys } from "./keys.ts";
import type { ScriptName, Scripts } from "./scripts.ts";
import type { Hears } from "./signals.ts";

/** Items of one script call: bounds how long it holds the server up. */
export const itemsMax = 100;
/** Bytes of one script call, unless one item alone is larger. */
export const bytesMax = 4 * 1_048_576;

export interface Answer {
  readonly outcomes: Buffer;
  /** Outbox entries that the call added. */
  readonly effects: readonly string[];
  /** Values of tasks, beside the outcomes; see lua/include/record.lua. */
  readonly values: readonly Buffer[];
}

/** Packs items, one after the other. */
export interface Packer<Item> {
  /** Bytes so far. */
  readonly length: number;
  add(item: Item): void;
  done(): Buffer;
}

/** Packs each item by itself. */
export function eachBy<Item>(pack: (writer: Writer, item: Item) => void): () => Packer<Item> {
  return () => {
    const writer = new Writer(512);
    return {
      get length() {
        return writer.length;
      },
      add: (item) => pack(writer, item),
      done: () => writer.done(),
    };
  };
}

/** What a batched method gives to {@link Calls.batch}. */
export interface Batch<Item, Outcome> {
  readonly script: ScriptName;
  readonly items: readonly Item[];
  readonly idOf: (item: Item) => string;
  /** How one script call's items are packed. */
  readonly packer: () => Packer<Item>;
  /** Bytes of one item's outcome, and how they are read. */
  readonly width: number;
  readonly read: (outcome: Buffer, item: Item) => Outcome;
  /** The outcome of an item whose id names no queue. */
  readonly missing: Outcome;
  readonly extra?: readonly Argument[];
}

interface Portion<Item> {
  readonly queue: string;
  readonly packer: Packer<Item>;
  readonly places: number[];
}

export interface CallsOptions {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly scripts: Scripts;
  readonly limits: StoreLimits;
  /** Gets the signals that the store has to tell itself; see lua/include/tell.lua. */
  readonly tell: (signal: string) => void;
  /** How this store hears the channel of signals now. */
  readonly hears: () => Hears;
}

export class Calls {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly limits: StoreLimits;
  readonly #scripts: Scripts;
  readonly #tell: (signal: string) => void;
  readonly #hears: () => Hears;

  constructor(options: CallsOptions) {
    this.connection = options.connection;
    this.keys = options.keys;
    this.limits = options.limits;
    this.#scripts = options.scripts;
    this.#tell = options.tell;
    this.#hears = options.hears;
  }

  /** Tells this store's own listeners what a reply said; an empty signal says nothing. */
  tell(signal: string): void {
    if (signal !== "") this.#tell(signal);
  }

  /** Calls a script on a queue; answers with its reply as it is. */
  run(script: ScriptName, queue: string, input: Argument, extra: readonly Argument[] = []): Promise<unknown> {
    const args = [this.keys.signals, this.limits.logEntriesMax, input, ...extra];
    return this.connection.run(this.#scripts[script], this.keys.queue(queue), { args, lastArg: this.#hears });
  }

  /** Calls a script that answers {outcomes, {signal, effect, …}, values}, and tells the signal. */
  async change(
    script: ScriptName,
    queue: string,
    input: Buffer,
    extra?: readonly Argument[],
  ): Promise<Answer> {
    const reply = (await this.run(script, queue, input, extra)) as [Buffer, Buffer[], Buffer[]?];
    const [outcomes, [signal, ...effects], values = []] = reply;
    this.tell(String(signal));
    return { outcomes, effects: effects.map(String), values };
  }

  /** Runs a batch over all its queues at once; outcomes come in the items' order, effects together. */
  async batch<Item, Outcome>(
    batch: Batch<Item, Outcome>,
  ): Promise<{ readonly outcomes: Outcome[]; readonly effects: readonly string[] }> {
    const { items, script, extra, read, width } = batch;
    const outcomes = new Array<Outcome>(items.length).fill(batch.missing);
    const portions = portionsOf(batch);
    const calls = portions.map(({ queue, packer }) => this.change(script, queue, packer.done(), extra));
    const answers = calls.length === 1 ? [await (calls[0] as Promise<Answer>)] : await allOf(calls);
    answers.forEach((answer, index) => {
      (portions[index] as Portion<Item>).places.forEach((place, nth) => {
        const outcome = answer.outcomes.subarray(nth * width, (nth + 1) * width);
        outcomes[place] = read(outcome, items[place] as Item);
      });
    });
    return { outcomes, effects: answers.flatMap((answer) => answer.effects) };
  }
}

/** What goes in each script call, in order. */
function portionsOf<Item, Outcome>({ items, idOf, packer }: Batch<Item, Outcome>): Portion<Item>[] {
  const portions: Portion<Item>[] = [];
  const open = new Map<string, Portion<Item>>();
  items.forEach((item, place) => {
    const queue = queueOf(idOf(item));
    if (queue === undefined) return;
    let portion = open.get(queue);
    if (portion === undefined || portion.places.length >= itemsMax || portion.packer.length >= bytesMax) {
      portion = { queue, packer: packer(), places: [] };
      portions.push(portion);
      open.set(queue, portion);
    }
    portion.packer.add(item);
    portion.places.push(place);
  });
  return portions;
}

/** Waits for all; throws what stands for the whole when some failed. */
export async function allOf<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(calls);
  const failures = settled.filter((call) => call.status === "rejected").map((call) => call.reason as unknown);
  if (failures.length > 0) throw batchError(failures, calls.length);
  return settled.map((call) => (call as PromiseFulfilledResult<T>).value);
}
