/** `agentmesh queues`: counts of each role's queue. */
import { Command } from "commander";
import { callMesh } from "../call-mesh.ts";
import { withExamples, withJson } from "../help.ts";
import { printJson } from "../output.ts";
import { showQueues } from "../queue-table.ts";
import { addSettings } from "../setting-flags.ts";

export function command(): Command {
  const queues = new Command("queues")
    .description(
      "Shows how many tasks each queue holds in which state, how long the oldest queued one has waited, and how many came in " +
        "and ended a second over the last minute. A queue has the name of its role.",
    )
    .argument("[roles...]", "these alone; default: all")
    .action(async (roles: string[], options: { json?: boolean }, self: Command) => {
      const found = await callMesh(self, (mesh) => mesh.queues(roles));
      if (!options.json) return showQueues(found);
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
