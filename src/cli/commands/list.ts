/** `agentmesh list`: tasks by filter. */
import { Command } from "commander";
import type { Task, TaskState } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { limits } from "../../core/limits.ts";
import { callMesh } from "../call-mesh.ts";
import { pairs, wholeNumber, withExamples, withJson } from "../help.ts";
import { note, printJson } from "../output.ts";
import { addSettings } from "../setting-flags.ts";
import { gatheredState } from "../task-states.ts";

interface ListOptions {
  readonly role?: string;
  readonly state?: TaskState[];
  readonly tenant?: string;
  readonly workflow?: string;
  readonly label?: Record<string, string>;
  readonly deadLetter?: boolean;
  readonly limit: number;
  readonly json?: boolean;
}

export function command(): Command {
  const list = new Command("list")
    .description("Lists tasks, newest first. Workflows are the tasks of the role orchestrator.")
    .option("--role <role>", "of this role alone")
    .option("--state <state>", "in this state; repeatable", gatheredState)
    .option("--tenant <tenant>", "of this tenant alone")
    .option("--workflow <id>", "nodes of this workflow alone")
    .option("--label <name=value>", "with this label; repeatable", pairs)
    .option("--dead-letter", "only what failed for good and was not retried since")
    .option("--limit <number>", "how many at most", wholeNumber(1, 100_000), 20)
    .action((options: ListOptions, self: Command) => act(options, self));
  withExamples(addSettings(withJson(list), ["client"]), [
    ["agentmesh list", "The 20 newest tasks"],
    ["agentmesh list --role testing --state failed", "What failed in one role"],
    ["agentmesh list --dead-letter --json | jq -r '.tasks[].id'", "Ids of what waits for somebody to look"],
  ]);
  return list;
}

async function act(options: ListOptions, self: Command): Promise<void> {
  const { role = "", state = [], tenant = "", workflow = "", label = {}, limit } = options;
  const filter = {
    ...{ role, states: state, tenant, workflowId: workflow, labels: label },
    deadLetter: options.deadLetter ?? false,
    // One more tells whether there is more.
    pageSize: Math.min(limit + 1, limits.pageSizeMax),
  };
  const found: Task[] = [];
  const isMore = await callMesh(self, async (mesh) => {
    for await (const task of mesh.list(filter)) {
      if (found.length === limit) return true;
      found.push(task);
    }
    return false;
  });
  if (options.json) {
    const { taskJson } = await import("../contract-json.ts");
    return printJson({ tasks: found.map(taskJson), more: isMore });
  }
  const { showTasks } = await import("../show-task.ts");
  showTasks(found);
  if (isMore) note(`there are more than ${limit}; --limit shows them`);
}
