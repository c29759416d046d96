/** A queue's settings and what they hold back; and which workers are present. */
import { labelsName, labelsOf } from "../lane.ts";
import { noPolicy, type Pause, type QueuePolicy, tokenInMs } from "../policy.ts";
import type { Presence, QueueChange, QueueLoad } from "../store.ts";
import { allOf, type Calls, itemsMax } from "./calls.ts";

/** What configure.lua reads as: nothing is set any more. */
const unset = "-";

export async function configure(calls: Calls, changes: readonly QueueChange[]): Promise<void> {
  for (const { queue, rolePolicy, policy, pause } of changes) {
    const given = [asJson(rolePolicy), asJson(policy), asJson(pause == null ? pause : { reason: pause })];
    const [role, operator, paused] = given as [string, string, string];
    await calls.change("configure", queue, Buffer.from(role), [operator, paused]);
  }
}

function asJson(value: object | null | undefined): string {
  if (value === undefined) return "";
  return value === null ? unset : JSON.stringify(value);
}

/** The settings that count, of the role's policy, the operator's and the pause, as they are stored. */
export function readSettings([role, operator, pause]: readonly Buffer[]): {
  readonly policy: QueuePolicy;
  readonly pause?: Pause;
} {
  const policy = parsed<QueuePolicy>(operator) ?? parsed<QueuePolicy>(role) ?? noPolicy;
  return { policy, pause: parsed<Pause>(pause) };
}

function parsed<Value>(json: Buffer | undefined): Value | undefined {
  return json === undefined || json.length === 0 ? undefined : (JSON.parse(json.toString()) as Value);
}

type LoadReply = [
  settings: Buffer[],
  running: number,
  keyRunning: number,
  full: Buffer,
  keyFull: Buffer | null,
  now: Buffer,
  workers: Buffer[],
  labels: Buffer[],
];

export async function load(calls: Calls, queue: string, concurrencyKey: string): Promise<QueueLoad> {
  const reply = (await calls.run("load", queue, concurrencyKey)) as LoadReply;
  const [settings, running, keyRunning, full, keyFull, now, workers, labels] = reply;
  const { policy, pause } = readSettings(settings);
  const wait = (rate: QueuePolicy["rate"], fullAt: Buffer | null) =>
    rate === undefined ? 0 : tokenInMs(rate, Number(fullAt ?? 0), Number(now));
  return {
    policy,
    pause,
    running,
    keyRunning,
    rateInMs: wait(policy.rate, full),
    keyRateInMs: concurrencyKey === "" ? 0 : wait(policy.ratePerKey, keyFull),
    workers: workers.map((workerId, place) => ({
      queue,
      workerId: String(workerId),
      labels: labelsOf(String(labels[place])),
    })),
  };
}

export async function announce(calls: Calls, workers: readonly Presence[], presentMs: number): Promise<void> {
  const queues = Map.groupBy(workers, ({ queue }) => queue);
  await allOf(
    Array.from(queues).flatMap(([queue, present]) => {
      const pieces = Array.from({ length: Math.ceil(present.length / itemsMax) }, (_, nth) =>
        present.slice(nth * itemsMax, (nth + 1) * itemsMax),
      );
      return pieces.map((piece) => {
        const members = piece.flatMap(({ workerId, labels }) => [workerId, labelsName(labels)]);
        return calls.run("announce", queue, presentMs, members);
      });
    }),
  );
}
