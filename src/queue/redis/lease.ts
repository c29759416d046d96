/** Leases tasks, and renews and writes under leases. */
import { labelsName } from "../lane.ts";
import type { FencedOutcome, LeaseAsk, LeasedTask, LeaseGrant, LogAppend, Renewal } from "../store.ts";
import { Reader, Writer } from "./bytes.ts";
import { allOf, bytesMax, type Calls, eachBy, itemsMax } from "./calls.ts";
import { stateOf } from "./effects.ts";
import { uniqueOf } from "./keys.ts";
import { LeaseReader } from "./lease-reader.ts";

interface OpenAsk {
  readonly ask: LeaseAsk;
  readonly tasks: LeasedTask[];
  againInMs: number | undefined;
}

interface Piece {
  readonly open: OpenAsk;
  readonly max: number;
}

export async function lease(calls: Calls, asks: readonly LeaseAsk[]): Promise<LeaseGrant[]> {
  const queues = new Map<string, OpenAsk[]>();
  const opened = asks.map((ask): OpenAsk => ({ ask, tasks: [], againInMs: undefined }));
  for (const open of opened) {
    if (open.ask.max <= 0) continue;
    const others = queues.get(open.ask.queue);
    if (others === undefined) queues.set(open.ask.queue, [open]);
    else others.push(open);
  }
  await allOf(Array.from(queues, ([queue, open]) => leaseQueue(calls, queue, open)));
  return opened.map(({ tasks, againInMs }) => ({ tasks, againInMs }));
}

/** Call after call until every ask has what it wanted or gets no more. */
async function leaseQueue(calls: Calls, queue: string, asks: readonly OpenAsk[]): Promise<void> {
  let left = asks;
  while (left.length > 0) {
    const pieces = nextPieces(left);
    const writer = new Writer();
    for (const { open, max } of pieces) packAsk(writer, open.ask, max);
    const { outcomes, values } = await calls.change("lease", queue, writer.done(), [bytesMax]);
    const reader = new Reader(outcomes);
    const leases = new LeaseReader(reader, values, queue);
    const stoppedEarly = reader.u8() === 1;
    const againInMs = reader.u48() || undefined;
    const short = new Set<OpenAsk>();
    for (const { open, max } of pieces) {
      const given = reader.u16();
      for (let left = given; left > 0; ) left -= leases.read(open.ask, open.tasks);
      open.againInMs = againInMs;
      if (given < max && !stoppedEarly) short.add(open);
    }
    left = left.filter((open) => !short.has(open) && open.tasks.length < open.ask.max);
  }
}

function packAsk(writer: Writer, { leaseMs, workerId, labels }: LeaseAsk, max: number): void {
  writer.u16(max).delay(leaseMs).text16(workerId).text16(labelsName(labels));
}

function nextPieces(asks: readonly OpenAsk[]): Piece[] {
  const pieces: Piece[] = [];
  let room = itemsMax;
  for (const open of asks) {
    const max = Math.min(room, open.ask.max - open.tasks.length);
    if (max > 0) pieces.push({ open, max });
    room -= max;
    if (room === 0) break;
  }
  return pieces;
}

export async function renew(calls: Calls, renewals: readonly Renewal[]): Promise<FencedOutcome[]> {
  const { outcomes } = await calls.batch({
    script: "renew",
    items: renewals,
    idOf: ({ taskId }) => taskId,
    packer: eachBy((writer, { taskId, fence, leaseMs }) =>
      writer.text8(uniqueOf(taskId)).fence(fence).delay(leaseMs),
    ),
    width: 2,
    read: readFenced,
    missing,
  });
  return outcomes;
}

export async function append(calls: Calls, appends: readonly LogAppend[]): Promise<FencedOutcome[]> {
  const { outcomes } = await calls.batch({
    script: "append",
    items: appends,
    idOf: ({ taskId }) => taskId,
    packer: eachBy(packAppend),
    width: 2,
    read: readFenced,
    missing,
  });
  return outcomes;
}

function packAppend(writer: Writer, { taskId, fence, entries, usage }: LogAppend): void {
  const progress = entries.findLast((entry) => entry.progress !== undefined)?.progress;
  writer.text8(uniqueOf(taskId)).fence(fence);
  writer.f64(usage?.tokens ?? 0).f64(usage?.usd ?? 0);
  writer.u8(progress === undefined ? 0 : 1).blob32(progress ?? new Uint8Array(0));
  writer.u32(entries.length);
  for (const { bytes } of entries) writer.blob32(bytes);
}

const missing: FencedOutcome = { accepted: false, state: "MISSING" };

function readFenced(outcome: Buffer): FencedOutcome {
  return { accepted: outcome[0] === 1, state: stateOf(outcome[1] as number) };
}
