/**
 * What a process saw and did, as it appends it to a file of its own: one line an event, written before the process goes on, so
 * that a kill loses at most the line that was being written.
 */
import { openSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** A key, and what became of its submit. */
export interface SubmitAnswer {
  readonly key: string;
  /** Empty: refused. */
  readonly taskId: string;
  readonly existing: boolean;
  /** The reason of a refusal; what says nothing of the outcome is told as `submitUnknown`. */
  readonly refusal?: string;
}

export type Outcome = "succeeded" | "failed" | "released" | "suspended";

export type HistoryEvent =
  | { readonly what: "submitTried"; readonly keys: readonly string[] }
  | { readonly what: "submitAnswered"; readonly answers: readonly SubmitAnswer[] }
  | { readonly what: "submitUnknown"; readonly keys: readonly string[]; readonly reason: string }
  | { readonly what: "cancelTried"; readonly taskId: string }
  | { readonly what: "cancelAnswered"; readonly taskId: string; readonly canceled: boolean }
  | { readonly what: "leased"; readonly taskId: string; readonly fence: number }
  | { readonly what: "started"; readonly taskId: string; readonly attempt: number }
  | {
      readonly what: "finishTried";
      readonly taskId: string;
      readonly fence: number;
      readonly outcome: Outcome;
    }
  /** `accepted` undefined: the answer says nothing of the outcome, such as STORE_UNAVAILABLE. */
  | {
      readonly what: "finishAnswered";
      readonly taskId: string;
      readonly fence: number;
      readonly accepted?: boolean;
    };

export type EventKind = HistoryEvent["what"];

export class HistoryFile {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a");
  }

  add(event: HistoryEvent): void {
    writeSync(this.#file, `${JSON.stringify(event)}\n`);
  }
}

/** The events of one file, in order. A last line without its end was being written when its process died: it says nothing. */
export async function readHistory(path: string): Promise<HistoryEvent[]> {
  return parseHistory(await readFile(path, "utf8"));
}

export function parseHistory(text: string): HistoryEvent[] {
  const lines = text.split("\n");
  lines.pop();
  return lines.map((line) => JSON.parse(line) as HistoryEvent);
}
