/** The live view's table as text; pure, so that a test can look at a frame. */
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { isFinalState } from "../queue/service/convert.ts";
import type { Colors } from "./output.ts";
import type { NodeProgress, RunProgress } from "./run-progress.ts";
import { inStateColor, stateName } from "./task-states.ts";
import { cutTo, padded, plainLine, shownDuration } from "./terminal-text.ts";

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** Between two frames. */
export const frameMs = 80;

const marks: Readonly<Record<string, string>> = { SUCCEEDED: "✔", FAILED: "✖", CANCELED: "⊘" };
const barColumns = 12;
const elapsedColumns = 7;

export interface Frame {
  readonly nowMs: number;
  readonly startedMs: number;
  readonly columns: number;
  readonly colors: Colors;
}

/** One line a node, and one for the whole. */
export function runTable(progress: RunProgress, frame: Frame): string {
  const nameColumns = Math.max(...progress.nodes.map((node) => node.name.length), 4);
  const nodes = progress.nodes.map((node) => nodeLine(node, progress, nameColumns, frame));
  return ["", ...nodes, "", totalLine(progress, frame)].join("\n");
}

function nodeLine(node: NodeProgress, progress: RunProgress, nameColumns: number, frame: Frame): string {
  const { colors, nowMs, columns } = frame;
  const spin = spinner[Math.floor(nowMs / frameMs) % spinner.length] ?? "";
  const mark = marks[stateName(node.state)] ?? (node.state === TaskState.RUNNING ? spin : "·");
  const elapsed =
    node.startedMs === undefined
      ? ""
      : shownDuration(Math.max(0, (node.finishedMs ?? nowMs) - node.startedMs));
  const taken = 2 + 1 + 1 + nameColumns + 2 + barColumns + 1 + elapsedColumns + 2;
  const latest = cutTo(plainLine(node.latest || waiting(node, progress)), columns - taken - 1);
  return [
    `  ${inStateColor(colors, node.state, mark)} ${colors.bold(padded(node.name, nameColumns))}  `,
    bar(node, colors),
    ` ${elapsed.padStart(elapsedColumns)}  `,
    node.state === TaskState.FAILED ? colors.red(latest) : colors.dim(latest),
  ].join("");
}

function bar(node: NodeProgress, colors: Colors): string {
  const full = Math.round(node.fraction * barColumns);
  const done = inStateColor(colors, node.state, "━".repeat(full));
  return done + colors.dim("╌".repeat(barColumns - full));
}

function waiting(node: NodeProgress, progress: RunProgress): string {
  if (node.state !== TaskState.BLOCKED && node.state !== TaskState.UNSPECIFIED) return "";
  const open = progress.nodes.filter(({ name, state }) => node.needs.includes(name) && !isFinalState(state));
  return open.length === 0 ? "" : `waits for ${open.map(({ name }) => name).join(", ")}`;
}

function totalLine(progress: RunProgress, { colors, nowMs, startedMs }: Frame): string {
  const total = progress.nodes.length;
  const elapsed = shownDuration(Math.max(0, nowMs - startedMs));
  return colors.dim(`  ${progress.workflow}: ${progress.ended} of ${total} done, ${elapsed}`);
}
