/** Entries of a task's log as lines for people; pure. */
import { type LogEntry, LogLine_Level, TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { microsToUsd } from "../core/money.ts";
import type { Colors } from "./output.ts";
import { inStateColor, stateName } from "./task-states.ts";
import { cutTo, plainLine, shownTime } from "./terminal-text.ts";

const levels: Partial<Record<LogLine_Level, keyof Colors>> = {
  [LogLine_Level.DEBUG]: "dim",
  [LogLine_Level.WARN]: "yellow",
  [LogLine_Level.ERROR]: "red",
};

/** What an entry says, without colours; undefined where a person needs no word of it. */
export function wordsOf(entry: LogEntry): string | undefined {
  const body = entry.entry;
  if (body?.$case === "line") return plainLine(body.value.text) || undefined;
  if (body?.$case === "progress")
    return `${Math.round(body.value.fraction * 100)} % ${plainLine(body.value.message)}`.trim();
  if (body?.$case === "state") {
    const { state, reason, attempt } = body.value;
    const again = state === TaskState.RUNNING && attempt > 1 ? ` (attempt ${attempt})` : "";
    return `${stateName(state)}${again}${reason ? `: ${plainLine(reason)}` : ""}`;
  }
  if (body?.$case === "chunk") return plainLine(Buffer.from(body.value.data).toString()) || undefined;
  if (body?.$case === "usage")
    return `used ${body.value.tokens} tokens, ${microsToUsd(body.value.usdMicros)} USD`;
  return undefined;
}

export interface LineOptions {
  readonly colors: Colors;
  /** Whose entry it is, in a column of this width. */
  readonly who?: string;
  readonly whoColumns?: number;
  /** What is wider is cut; default: nothing is. */
  readonly columns?: number;
}

/** A whole line: time, whose entry it is, what it says in the colour of its level or state. */
export function lineOf(entry: LogEntry, options: LineOptions): string | undefined {
  const { colors, who, whoColumns = 0, columns = Number.POSITIVE_INFINITY } = options;
  const words = wordsOf(entry);
  if (words === undefined) return undefined;
  const time = shownTime(entry.time);
  const name = who === undefined ? "" : `${who.padEnd(whoColumns)}  `;
  const cut = cutTo(words, columns - time.length - 2 - name.length);
  return `${colors.dim(time)}  ${colors.bold(name)}${painted(entry, cut, colors)}`;
}

function painted({ entry }: LogEntry, words: string, colors: Colors): string {
  if (entry?.$case === "state") return inStateColor(colors, entry.value.state, words);
  if (entry?.$case === "progress") return colors.dim(words);
  const paint = entry?.$case === "line" ? levels[entry.value.level] : undefined;
  return paint ? (colors[paint] as (text: string) => string)(words) : words;
}
