import { LogEntry } from "../../gen/grpc/agentmesh/v1/task.ts";
import type { LogBody } from "../../src/queue/store.ts";

/** A log line as a store takes it. */
export function line(text: string): LogBody {
  const entry = LogEntry.create({ entry: { $case: "line", value: { level: 2, text } } });
  return { bytes: LogEntry.encode(entry).finish() };
}
