/** Queues as people read them, no wider than 80 columns. */
import type { QueueStatus } from "../../gen/grpc/agentmesh/v1/task.ts";
import { durationToMs } from "../core/time.ts";
import { type Column, out, print, printJson, table } from "./output.ts";
import { plainLine, shownDuration } from "./terminal-text.ts";

/** A column of numbers, none of which is dim. */
export function count<Row>(head: string, of: (row: Row) => number, shown = shortCount): Column<Row> {
  return {
    head,
    right: true,
    cell: (row) => shown(of(row)),
    paint: (cell, row) => (of(row) === 0 ? out.dim(cell) : cell),
  };
}

function rate(head: string, of: (queue: QueueStatus) => number): Column<QueueStatus> {
  return count(head, of, shortRate);
}

const columns: readonly Column<QueueStatus>[] = [
  { head: "QUEUE", cell: (queue) => queue.role, paint: (cell) => out.bold(cell), least: 8 },
  // Blocked, scheduled and waiting for a person: none of them can be worked on now.
  count("WAITING", (queue) => queue.blocked + queue.scheduled + queue.inputRequired),
  count("QUEUED", (queue) => queue.queued),
  count("RUNNING", (queue) => queue.running),
  count("DONE", (queue) => queue.succeeded),
  count("FAILED", (queue) => queue.failed),
  {
    head: "OLDEST",
    right: true,
    cell: ({ oldestWait }) => (oldestWait ? shownDuration(durationToMs(oldestWait)) : "-"),
  },
  rate("IN/S", (queue) => queue.arrivalRate),
  rate("OUT/S", (queue) => queue.serviceRate),
  {
    head: "",
    cell: ({ paused }) => (paused ? "paused" : ""),
    paint: (cell) => out.yellow(cell),
  },
];

/** A table of queues, and under it who paused those that are. */
export function showQueues(queues: readonly QueueStatus[]): void {
  print(table(columns, queues));
  for (const { role, paused, pauseReason } of queues)
    if (paused) print(`${out.yellow(`${role} is paused`)} ${plainLine(pauseReason)}`.trimEnd());
}

/** One queue as the contract's JSON. */
export async function printQueueJson(queue: QueueStatus): Promise<void> {
  const { queueJson } = await import("./contract-json.ts");
  printJson(queueJson(queue));
}

/** `12345`, `123k`, `12M`: six characters at most up to a thousand million. */
export function shortCount(count: number): string {
  if (count < 100_000) return String(count);
  return count < 10_000_000 ? `${Math.floor(count / 1_000)}k` : `${Math.floor(count / 1_000_000)}M`;
}

/** `0`, `0.02`, `0.5`, `12.3`, `1234`: five characters at most up to 100,000 a second. */
export function shortRate(perSecond: number): string {
  if (perSecond === 0) return "0";
  if (perSecond < 0.1) return perSecond.toFixed(2);
  return perSecond < 99.95 ? perSecond.toFixed(1) : shortCount(Math.round(perSecond));
}
