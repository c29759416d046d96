/** `agentmesh watch`: a task's or a workflow's log to its end. */
import { Command } from "commander";
import type { Task } from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { Workflow } from "../../../gen/grpc/agentmesh/v1/workflow.ts";
import { callMesh, kindOfId } from "../call-mesh.ts";
import { endWith } from "../exit-codes.ts";
import { followTask, followWorkflow } from "../follow.ts";
import { wholeNumber, withExamples, withJson } from "../help.ts";
import { addSettings } from "../setting-flags.ts";
import { endingOfState } from "../task-states.ts";

export function command(): Command {
  const watch = new Command("watch")
    .description(
      "Prints a task's log, what is kept of it and then what comes, until the task ends; of a workflow, the logs of " +
        "all its nodes. Ends with 0 when it succeeded and with 1 when it failed or was canceled.",
    )
    .argument("<id>", "of a task or a workflow")
    .option("--from <sequence>", "begin at this entry of a task's log", wholeNumber(1, 1_000_000_000), 1)
    .action(async (id: string, options: { from: number; json?: boolean }, self: Command) => {
      const kind = kindOfId(id);
      const shown = { from: options.from, json: options.json ?? false };
      const ended = await callMesh<Task | Workflow>(self, (mesh) =>
        kind === "workflow" ? followWorkflow(mesh, id, shown) : followTask(mesh, id, shown),
      );
      endWith(endingOfState(ended.state));
    });
  withExamples(addSettings(withJson(watch), ["client"]), [
    ["agentmesh watch testing.01kabcxyz", "From the first entry to the task's end"],
    ["agentmesh watch testing.01kabcxyz --from 120", "From an entry on"],
    ["agentmesh watch orchestrator.01kabcxyz --json", "A workflow, one JSON object a line"],
  ]);
  return watch;
}
