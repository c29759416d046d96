/** `agentmesh instances`: the running replicas of roles. */
import { Command } from "commander";
import { callMesh } from "../call-mesh.ts";
import { withExamples, withJson } from "../help.ts";
import { showInstances } from "../instance-table.ts";
import { printJson } from "../output.ts";
import { addSettings } from "../setting-flags.ts";

export function command(): Command {
  const instances = new Command("instances")
    .description(
      "Lists the instances that live now: where each can be dialed, whether it takes calls, how long ago it said so, and how busy " +
        "it is: tasks that run of those that may, and how much of one core its process uses. An instance that dies leaves " +
        "within 10 s, the time to live of what `up` and `serve` start.",
    )
    .argument("[role]", "of this role alone; default: all")
    .action(async (role: string | undefined, options: { json?: boolean }, self: Command) => {
      const found = await callMesh(self, (mesh) => mesh.instances(role));
      if (!options.json) return showInstances(found);
      const { instancesJson } = await import("../contract-json.ts");
      printJson(instancesJson(found));
    });
  withExamples(addSettings(withJson(instances), ["client"]), [
    ["agentmesh instances", "All that live"],
    ["agentmesh instances testing", "Those of one role"],
    [
      "agentmesh instances --json | jq -r '.instances[] | select(.state != \"INSTANCE_STATE_SERVING\") | .id'",
      "Which take no calls, for programs",
    ],
  ]);
  return instances;
}
