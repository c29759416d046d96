/** Cancels and retries tasks. */
import type { Cancel, CancelOutcome, Retry, RetryOutcome } from "../store.ts";
import { type Calls, eachBy } from "./calls.ts";
import { stateOf } from "./effects.ts";
import { uniqueOf } from "./keys.ts";

export interface Changed {
  readonly outcomes: CancelOutcome[];
  readonly effects: readonly string[];
}

export function cancel(calls: Calls, cancels: readonly Cancel[]): Promise<Changed> {
  return calls.batch({
    script: "cancel",
    items: cancels,
    idOf: ({ taskId }) => taskId,
    packer: eachBy((writer, { taskId, reason }) => writer.text8(uniqueOf(taskId)).text32(reason)),
    width: 2,
    read: readChange,
    missing,
  });
}

export function retry(calls: Calls, retries: readonly Retry[]): Promise<Changed> {
  return calls.batch({
    script: "retry",
    items: retries,
    idOf: ({ taskId }) => taskId,
    packer: eachBy((writer, { taskId, spec }) =>
      writer
        .text8(uniqueOf(taskId))
        .u8(spec === undefined ? 0 : 1)
        .blob32(spec ?? new Uint8Array(0)),
    ),
    width: 2,
    read: readChange,
    missing,
  });
}

const missing: RetryOutcome = { changed: false, state: "MISSING" };

function readChange(outcome: Buffer): CancelOutcome {
  return { changed: outcome[0] === 1, state: stateOf(outcome[1] as number) };
}
