/** How a running workflow is shown on stderr: a table that updates in place on a terminal, plain lines elsewhere. */
import type { LogEntry } from "../../gen/grpc/agentmesh/v1/task.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { lineOf } from "./log-lines.ts";
import { columnsOf, err, note } from "./output.ts";
import type { RunProgress } from "./run-progress.ts";
import { frameMs, runTable } from "./run-table.ts";

export interface RunView {
  /** An entry that the progress has taken already. */
  entry(node: string, entry: LogEntry): void;
  /** Leaves the last state of things on the screen. */
  close(): void;
}

export async function openRunView(progress: RunProgress): Promise<RunView> {
  return process.stderr.isTTY ? await liveView(progress, systemClock) : plainView(progress);
}

function plainView(progress: RunProgress): RunView {
  const whoColumns = Math.max(...progress.nodes.map(({ name }) => name.length), progress.workflow.length);
  return {
    entry(node, entry) {
      const line = lineOf(entry, { colors: err, who: node || progress.workflow, whoColumns });
      if (line !== undefined) note(line);
    },
    close: () => {},
  };
}

async function liveView(progress: RunProgress, clock: Clock): Promise<RunView> {
  const { createLogUpdate } = await import("log-update");
  const update = createLogUpdate(process.stderr);
  const startedMs = clock.now();
  const whoColumns = Math.max(...progress.nodes.map(({ name }) => name.length));
  let lines: string[] = [];
  const draw = () => {
    const columns = columnsOf(process.stderr);
    // All lines of one frame at once: the table is then never seen to go and come.
    if (lines.length > 0) update.persist(lines.join("\n"));
    lines = [];
    update(runTable(progress, { nowMs: clock.now(), startedMs, columns, colors: err }));
  };
  draw();
  const drawing = setInterval(draw, frameMs);
  return {
    entry(node, entry) {
      // The table shows states and progress; above it go the lines that tasks log.
      if (node === "" || entry.entry?.$case !== "line") return;
      const columns = columnsOf(process.stderr) - 1;
      const line = lineOf(entry, { colors: err, who: node, whoColumns, columns });
      if (line !== undefined) lines.push(line);
    },
    close() {
      clearInterval(drawing);
      draw();
      update.done();
    },
  };
}
