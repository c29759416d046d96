/** `agentmesh get`: one task or workflow. */
import { Command } from "commander";
import { callMesh, kindOfId } from "../call-mesh.ts";
import { withExamples, withJson } from "../help.ts";
import { printJson } from "../output.ts";
import { addSettings } from "../setting-flags.ts";

export function command(): Command {
  const get = new Command("get")
    .description("Shows a task or a workflow as the mesh has it now.")
    .argument("<id>", "of a task or a workflow")
    .option("--output", "print its output alone, as JSON")
    .action(async (id: string, options: { json?: boolean; output?: boolean }, self: Command) => {
      const kind = kindOfId(id);
      await callMesh(self, async (mesh) => {
        const { showTask, showWorkflow, showOutput } = await import("../show-task.ts");
        const found = kind === "workflow" ? await mesh.workflows.get(id) : await mesh.get(id);
        if (options.output) return showOutput(found);
        if (options.json) {
          const { taskJson, workflowJson } = await import("../contract-json.ts");
          return printJson("nodes" in found ? workflowJson(found) : taskJson(found));
        }
        if ("nodes" in found) showWorkflow(found);
        else showTask(found);
      });
    });
  withExamples(addSettings(withJson(get), ["client"]), [
    ["agentmesh get testing.01kabcxyz", "What a task is doing, or how it ended"],
    ["agentmesh get testing.01kabcxyz --output", "What a role answered"],
    ["agentmesh get orchestrator.01kabcxyz --json", "A workflow with its nodes, for programs"],
  ]);
  return get;
}
