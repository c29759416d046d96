/** What a handler tells of itself, as entries of its task's log: long lines and chunks are cut to what an entry may hold. */
import { LogEntry, LogLine_Level } from "../../gen/grpc/agentmesh/v1/task.ts";
import { usdToMicros } from "../core/money.ts";
import type { LogLevel, TaskUsage } from "./role.ts";

/** Characters of one line; the rest is cut, with a mark. */
const lineMax = 8_192;
/** Bytes of one chunk; a longer one becomes several. */
const chunkBytesMax = 32_768;

const levels: Record<LogLevel, LogLine_Level> = {
  debug: LogLine_Level.DEBUG,
  info: LogLine_Level.INFO,
  warn: LogLine_Level.WARN,
  error: LogLine_Level.ERROR,
};

export function lineEntry(line: string, level: LogLevel): LogEntry {
  const text =
    line.length > lineMax ? `${line.slice(0, lineMax)} … (${line.length - lineMax} more characters)` : line;
  return LogEntry.create({ entry: { $case: "line", value: { level: levels[level], text } } });
}

export function progressEntry(fraction: number, message = ""): LogEntry {
  const bounded = Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
  return LogEntry.create({
    entry: { $case: "progress", value: { fraction: bounded, message: message.slice(0, lineMax) } },
  });
}

export function chunkEntries(chunk: string | Uint8Array, name = ""): LogEntry[] {
  const bytes = Buffer.from(chunk as Uint8Array);
  const entries: LogEntry[] = [];
  for (let from = 0; from < bytes.length; from += chunkBytesMax) {
    const data = bytes.subarray(from, from + chunkBytesMax);
    entries.push(LogEntry.create({ entry: { $case: "chunk", value: { name, data } } }));
  }
  return entries;
}

export function usageEntry(used: TaskUsage): LogEntry {
  return LogEntry.create({
    entry: {
      $case: "usage",
      value: {
        tokens: Math.round(counted(used.tokens)),
        usdMicros: usdToMicros(counted(used.usd)),
      },
    },
  });
}

/** What the contract takes: no fraction of less than nothing, nor what is no number. */
function counted(amount: number | undefined): number {
  return Number.isFinite(amount) ? Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, amount as number)) : 0;
}
