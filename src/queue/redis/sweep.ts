/** Takes back expired leases, promotes what is due, delivers what outboxes hold, deletes what is past its retention. */
import type { SweepReport } from "../store.ts";
import { expiryOf, startTimedOut } from "../task.ts";
import { Reader } from "./bytes.ts";
import { allOf, type Calls, eachBy, itemsMax } from "./calls.ts";
import type { Effects } from "./effects.ts";
import { type Decision, decide, packDecision } from "./finish.ts";
import { packFailure, unpackHeader, unpackTimeouts } from "./pack.ts";
import { queueNames } from "./read.ts";

/** Rounds of one sweep of a queue; what is left waits for the next. */
const roundsMax = 100;

interface Expired {
  readonly unique: string;
  readonly fence: number;
  readonly decision: Decision;
}

/** As lua/sweep.lua answers. */
type SweepReply = [
  expired: Buffer,
  outbox: Buffer[],
  promoted: number,
  purged: number,
  notStarted: number,
  dueMs: number,
  signal: Buffer,
];

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export async function sweep(calls: Calls, effects: Effects): Promise<SweepReport> {
  const reports = await allOf((await queueNames(calls)).map((queue) => sweepQueue(calls, effects, queue)));
  const sum = (of: (report: SweepReport) => number) =>
    reports.reduce((total, report) => total + of(report), 0);
  const dues = reports.flatMap(({ nextDueMs }) => (nextDueMs === undefined ? [] : [nextDueMs]));
  return {
    expired: sum((report) => report.expired),
    notStarted: sum((report) => report.notStarted),
    promoted: sum((report) => report.promoted),
    delivered: sum((report) => report.delivered),
    purged: sum((report) => report.purged),
    nextDueMs: dues.length === 0 ? undefined : Math.min(...dues),
  };
}

async function sweepQueue(calls: Calls, effects: Effects, queue: string): Promise<SweepReport> {
  const report: Mutable<SweepReport> = { expired: 0, notStarted: 0, promoted: 0, delivered: 0, purged: 0 };
  const { retentionMs, retentionTasksMax } = calls.limits;
  const extra = [retentionTasksMax, itemsMax, packFailure(startTimedOut), startTimedOut.message];
  for (let round = 0; round < roundsMax; round++) {
    const reply = await calls.run("sweep", queue, retentionMs, extra);
    const [packed, outbox, promoted, purged, notStarted, dueMs, signal] = reply as SweepReply;
    calls.tell(String(signal));
    const listed = readExpired(packed);
    const { taken, caused } = await expire(calls, queue, listed);
    await effects.deliver([...outbox.map(String), ...caused]);
    report.expired += taken;
    report.notStarted += notStarted;
    report.promoted += promoted;
    report.purged += purged;
    report.delivered += outbox.length;
    report.nextDueMs = dueMs < 0 ? undefined : dueMs;
    if (Math.max(listed.length, outbox.length, promoted, purged, notStarted) < itemsMax) break;
  }
  return report;
}

function readExpired(packed: Buffer): Expired[] {
  const reader = new Reader(packed);
  const nowMs = reader.u48();
  const expired: Expired[] = [];
  while (!reader.ended) {
    const unique = reader.text8();
    const fence = reader.u32();
    const attempt = reader.u16();
    const startedMs = reader.u48();
    const { retry } = unpackHeader(reader.blob32());
    const running = { startedMs, ...unpackTimeouts(reader.blob8()) };
    const failure = expiryOf(running, nowMs);
    expired.push({ unique, fence, decision: decide({ retry, attempt, failure }) });
  }
  return expired;
}

async function expire(calls: Calls, queue: string, expired: readonly Expired[]) {
  const { outcomes, effects } = await calls.batch({
    script: "expire",
    items: expired,
    idOf: ({ unique }) => `${queue}.${unique}`,
    packer: eachBy((writer, { unique, fence, decision }) => {
      writer.text8(unique).u32(fence);
      packDecision(writer, decision);
    }),
    width: 1,
    read: (outcome) => outcome[0] as number,
    missing: 0,
  });
  return { taken: outcomes.filter((outcome) => outcome === 1).length, caused: effects };
}
