/** `agentmesh resume`: undoes a pause. */
import { Command } from "commander";
import { callMesh } from "../call-mesh.ts";
import { withExamples, withJson } from "../help.ts";
import { print } from "../output.ts";
import { printQueueJson } from "../queue-table.ts";
import { addSettings } from "../setting-flags.ts";

export function command(): Command {
  const resume = new Command("resume")
    .description("Hands out a paused queue's tasks again. A queue that is not paused stays as it is.")
    .argument("<role>", "whose queue")
    .action(async (role: string, { json }: { json?: boolean }, self: Command) => {
      const queue = await callMesh(self, (mesh) => mesh.control.resume(role));
      if (json) return printQueueJson(queue);
      print(`${role} is not paused; ${queue.queued} queued, ${queue.running} running`);
    });
  withExamples(addSettings(withJson(resume), ["client"]), [
    ["agentmesh resume testing", "Go on"],
    ["agentmesh resume testing --json | jq .paused", "For programs"],
  ]);
  return resume;
}
