/** `agentmesh up`: every role in one process. */
import { Command } from "commander";
import { withExamples } from "../help.ts";
import { addSettings } from "../setting-flags.ts";

export function command(): Command {
  const up = new Command("up")
    .description(
      "Starts every role in this process: a gRPC server each, the queue, and the workers that run tasks. Tasks are kept " +
        "in .agentmesh/mesh.db, or in the Redis that --store names. SIGTERM and Ctrl-C drain: running tasks end, the rest " +
        "stays queued.",
    )
    .action(async (_options: unknown, self: Command) => {
      const { serveMesh } = await import("../serve-mesh.ts");
      await serveMesh(self, (roles) => roles);
    });
  return withExamples(addSettings(up, ["server"]), [
    ["agentmesh up", "A mesh for this directory, on the customary ports"],
    ["agentmesh up --store redis://localhost:6379", "Tasks in Redis, shared with other processes"],
    ["agentmesh up --role-module ./roles/summarize.ts", "With a role of your own"],
    ["agentmesh up --grpc-port 0 --metrics-port 0 --health-port 0", "On free ports; the output says which"],
  ]);
}
