/** `agentmesh queues`: counts of each role's queue. */
import { Command } from "commander";
import type { QueueStatus } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { durationToMs } from "../../core/time.ts";
import { callMesh } from "../call-mesh.ts";
import { withExamples, withJson } from "../help.ts";
import { type Column, out, print, printJson, table } from "../output.ts";
import { addSettings } from "../setting-flags.ts";
import { shownDuration } from "../terminal-text.ts";

export function command(): Command {
  const queues = new Command("queues")
    .description("Shows how many tasks each queue holds in which state. A queue has the name of its role.")
    .argument("[roles...]", "these alone; default: all")
    .action(async (roles: string[], options: { json?: boolean }, self: Command) => {
      const found = await callMesh(self, (mesh) => mesh.queues(roles));
      if (!options.json) return print(table(columns, found));
      const { queueJson } = await import("../contract-json.ts");
      printJson({ queues: found.map(queueJson) });
    });
  withExamples(addSettings(withJson(queues), ["client"]), [
    ["agentmesh queues", "All queues"],
    ["agentmesh queues testing security", "Two of them"],
    ["agentmesh queues --json | jq '.queues[].queued'", "What waits, for programs"],
  ]);
  return queues;
}

function count(head: string, of: (queue: QueueStatus) => number): Column<QueueStatus> {
  return {
    head,
    right: true,
    cell: (queue) => String(of(queue)),
    paint: (cell, queue) => (of(queue) === 0 ? out.dim(cell) : cell),
  };
}

const columns: readonly Column<QueueStatus>[] = [
  { head: "QUEUE", cell: (queue) => queue.role, paint: (cell) => out.bold(cell), least: 8 },
  // Blocked, scheduled and waiting for a person: none of them can be worked on now.
  count("WAITING", (queue) => queue.blocked + queue.scheduled + queue.inputRequired),
  count("QUEUED", (queue) => queue.queued),
  count("RUNNING", (queue) => queue.running),
  count("DONE", (queue) => queue.succeeded),
  count("FAILED", (queue) => queue.failed),
  count("CANCELED", (queue) => queue.canceled),
  {
    head: "OLDEST",
    right: true,
    cell: ({ oldestWait }) => (oldestWait ? shownDuration(durationToMs(oldestWait)) : "-"),
  },
];
