/** `agentmesh cancel`: ends a task or a workflow. */
import { Command } from "commander";
import { type Task, TaskState } from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { Workflow } from "../../../gen/grpc/agentmesh/v1/workflow.ts";
import { callMesh, kindOfId } from "../call-mesh.ts";
import { withExamples, withJson } from "../help.ts";
import { print, printJson } from "../output.ts";
import { addSettings } from "../setting-flags.ts";
import { stateName } from "../task-states.ts";

export function command(): Command {
  const cancel = new Command("cancel")
    .description(
      "Ends a task wherever it is, or a workflow with all its nodes. What has ended already stays as it is.",
    )
    .argument("<id>", "of a task or a workflow")
    .option("--reason <text>", "for the log", "canceled on the command line")
    .action(async (id: string, options: { json?: boolean; reason: string }, self: Command) => {
      const kind = kindOfId(id);
      const ended = await callMesh<Task | Workflow>(self, (mesh) =>
        kind === "workflow" ? mesh.workflows.cancel(id, options.reason) : mesh.cancel(id, options.reason),
      );
      if (options.json) {
        const { taskJson, workflowJson } = await import("../contract-json.ts");
        return printJson("nodes" in ended ? workflowJson(ended) : taskJson(ended));
      }
      const already = ended.state === TaskState.CANCELED ? "" : ", as it was before";
      print(`${id} is ${stateName(ended.state)}${already}`);
    });
  withExamples(addSettings(withJson(cancel), ["client"]), [
    ["agentmesh cancel testing.01kabcxyz", "End a task; its worker is told at once"],
    ["agentmesh cancel orchestrator.01kabcxyz --reason 'wrong branch'", "End a workflow, and say why"],
  ]);
  return cancel;
}
