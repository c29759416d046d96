/** A plain task in its chunk, as a row of its own would have it and as the contract shows it. */
import type { LeasedTask, LogRecord, Parent, TaskRecord } from "../store.ts";
import type { Timeouts } from "../task.ts";
import type { Seat } from "./chunk.ts";
import type { Chunks } from "./chunks.ts";
import { plainId } from "./plain-id.ts";
import { laneFacts, type TaskRow } from "./row.ts";

const noParents: readonly Parent[] = Object.freeze([]);
const noTimeouts: Timeouts = Object.freeze({});
const noUsage = Object.freeze({ tokens: 0, usd: 0 });

export function idOf({ chunk, slot }: Seat): string {
  return plainId(chunk.prefix, slot);
}

/** What fenced writes ask for. */
export function statusOf(seat: Seat): Pick<TaskRow, "state" | "fence"> {
  return { state: stateOf(seat), fence: seat.chunk.fenceOf(seat.slot) };
}

/** What its row and its record say alike. */
function commonAt(seat: Seat) {
  const { chunk, slot } = seat;
  const { queue, tenant, priority } = chunk.facts;
  const status = statusOf(seat);
  const attempt = chunk.termOf(slot) === undefined ? 0 : 1;
  return { id: idOf(seat), queue, tenant, priority, ...status, attempt, generation: 1 };
}

/** The row that it would have, but for its payloads; `seat` says that it has none. */
export function rowAt(seat: Seat): TaskRow {
  const { chunk, slot } = seat;
  const { facts } = chunk;
  const term = chunk.termOf(slot);
  const state = stateOf(seat);
  return {
    ...commonAt(seat),
    seat,
    seq: chunk.seqOf(slot),
    fingerprint: "",
    retry: facts.retry,
    timeouts: null,
    lane: facts.lane,
    parents: "[]",
    parents_pending: 0,
    workflow_id: "",
    labels: facts.labels,
    created_ms: facts.createdMs,
    queued_ms: facts.createdMs,
    start_by_ms: null,
    started_ms: term?.startedMs ?? null,
    finished_ms: chunk.endedMsOf(slot) ?? null,
    run_at_ms: null,
    lease_expires_ms: state === "RUNNING" ? (term?.expiresMs ?? null) : null,
    lease_ms: term?.leaseMs ?? null,
    sign_ms: term?.startedMs ?? null,
    worker_id: term?.workerId ?? null,
    error: null,
    tokens: 0,
    usd: 0,
    place: facts.firstPlace + slot,
    last_sequence: sequences[state],
  };
}

export function recordAt(chunks: Chunks, seat: Seat): TaskRecord {
  const { chunk, slot } = seat;
  const { facts } = chunk;
  const term = chunk.termOf(slot);
  const state = stateOf(seat);
  const { concurrencyKey, workerLabels } = laneFacts(facts.lane);
  return {
    ...commonAt(seat),
    retry: chunk.retryPolicy,
    timeouts: noTimeouts,
    concurrencyKey,
    workerLabels,
    parents: noParents,
    parentsPending: 0,
    workflowId: "",
    labels: chunk.labelSet,
    createdMs: facts.createdMs,
    queuedMs: facts.createdMs,
    startedMs: term?.startedMs,
    finishedMs: chunk.endedMsOf(slot),
    runAtMs: undefined,
    leaseExpiresMs: state === "RUNNING" ? term?.expiresMs : undefined,
    workerId: term?.workerId,
    spec: chunks.spec(seat),
    output: state === "SUCCEEDED" ? chunks.output(seat) : undefined,
    error: undefined,
    progress: undefined,
    usage: noUsage,
    resumeState: undefined,
    lastSequence: sequences[state],
  };
}

export function leasedAt(chunks: Chunks, seat: Seat, leaseMs: number): LeasedTask {
  return Object.assign(recordAt(chunks, seat), { leaseMs });
}

/** Its log: each state that a plain task comes to is an entry, in this order. */
const sequences = { QUEUED: 1, RUNNING: 2, SUCCEEDED: 3 } as const;

export function logAt(seat: Seat): LogRecord[] {
  const { chunk, slot } = seat;
  const term = chunk.termOf(slot);
  const endedMs = chunk.endedMsOf(slot);
  const entry = (state: keyof typeof sequences, timeMs: number, attempt: number, workerId: string) => ({
    sequence: sequences[state],
    timeMs,
    change: { state, attempt, reason: "", workerId },
  });
  return [
    entry("QUEUED", chunk.facts.createdMs, 0, ""),
    ...(term === undefined ? [] : [entry("RUNNING", term.startedMs, 1, term.workerId)]),
    ...(endedMs === undefined ? [] : [entry("SUCCEEDED", endedMs, 1, "")]),
  ];
}

function stateOf({ chunk, slot }: Seat): keyof typeof sequences {
  const state = chunk.stateOf(slot);
  if (state === undefined) throw new Error(`slot ${slot} of ${chunk.prefix} is empty`);
  return state;
}
