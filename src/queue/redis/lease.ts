/** Leases tasks, and renews and writes under leases. */
import type { FencedOutcome, LeaseAsk, LeasedTask, LogAppend, Renewal } from "../store.ts";
import { Reader, Writer } from "./bytes.ts";
import { allOf, bytesMax, type Calls, itemsMax } from "./calls.ts";
import { stateOf } from "./effects.ts";
import { uniqueOf } from "./keys.ts";
import { readRecord } from "./pack.ts";

interface OpenAsk {
  readonly ask: LeaseAsk;
  readonly tasks: LeasedTask[];
}

interface Piece {
  readonly open: OpenAsk;
  readonly max: number;
}

export async function lease(calls: Calls, asks: readonly LeaseAsk[]): Promise<LeasedTask[][]> {
  const queues = new Map<string, OpenAsk[]>();
  const opened = asks.map((ask): OpenAsk => ({ ask, tasks: [] }));
  for (const open of opened) {
    if (open.ask.max <= 0) continue;
    const others = queues.get(open.ask.queue);
    if (others === undefined) queues.set(open.ask.queue, [open]);
    else others.push(open);
  }
  await allOf(Array.from(queues, ([queue, open]) => leaseQueue(calls, queue, open)));
  return opened.map(({ tasks }) => tasks);
}

/** Call after call until every ask has what it wanted or the queue is empty. */
async function leaseQueue(calls: Calls, queue: string, asks: readonly OpenAsk[]): Promise<void> {
  for (;;) {
    const pieces = nextPieces(asks);
    if (pieces.length === 0) return;
    const writer = new Writer();
    for (const { open, max } of pieces) writer.u16(max).delay(open.ask.leaseMs).text16(open.ask.workerId);
    const { outcomes, values } = await calls.change("lease", queue, writer.done(), [bytesMax]);
    const reader = new Reader(outcomes);
    const rest = values.values();
    const stoppedEarly = reader.u8() === 1;
    let empty = false;
    for (const { open, max } of pieces) {
      const given = reader.u16();
      for (let i = 0; i < given; i++) open.tasks.push(readLeased(reader, rest, open.ask));
      if (given < max) empty = true;
    }
    if (empty && !stoppedEarly) return;
  }
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

function readLeased(
  reader: Reader,
  values: Iterator<Buffer>,
  { queue, workerId, leaseMs }: LeaseAsk,
): LeasedTask {
  return Object.assign(readRecord(reader, values, queue), { workerId, leaseMs });
}

export async function renew(calls: Calls, renewals: readonly Renewal[]): Promise<FencedOutcome[]> {
  const { outcomes } = await calls.batch({
    script: "renew",
    items: renewals,
    idOf: ({ taskId }) => taskId,
    pack: (writer, { taskId, fence, leaseMs }) => writer.text8(uniqueOf(taskId)).fence(fence).delay(leaseMs),
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
    pack: packAppend,
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
