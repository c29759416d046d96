/** `agentmesh up`: every role in one process. */
import { Command } from "commander";
import { MeshError } from "../../core/errors.ts";
import { pairs, withExamples } from "../help.ts";
import { addSettings } from "../setting-flags.ts";

interface UpOptions {
  /** True: where they are looked for when nobody says where. */
  readonly autoscale?: string | true;
  readonly bounds?: Readonly<Record<string, string>>;
}

export function command(): Command {
  const up = new Command("up")
    .description(
      "Starts every role in this process: a gRPC server each, the queue, and the workers that run tasks. Tasks are kept " +
        "in .agentmesh/mesh.db, or in the Redis that --store names. SIGTERM and Ctrl-C drain: running tasks end, the rest " +
        "stays queued.",
    )
    .option(
      "--autoscale [directory]",
      "workers as processes, as many as their role's work asks for, by the ScaledObjects of this directory; default: keda",
    )
    .option(
      "--bounds <role=MIN-MAX>",
      "other bounds of a role's processes than its file has; repeatable",
      pairs,
    )
    .action(async ({ autoscale, bounds }: UpOptions, self: Command) => {
      const { serveMesh } = await import("../serve-mesh.ts");
      if (bounds !== undefined && autoscale === undefined)
        throw new MeshError("INVALID_CONFIG", "--bounds are those of --autoscale; say that too");
      if (autoscale === undefined) return serveMesh(self, (roles) => roles);
      const { readScalePolicies, withBounds } = await import("../scale-policies.ts");
      const directory = autoscale === true ? undefined : autoscale;
      await serveMesh(
        self,
        (roles) => roles,
        (roles) => withBounds(readScalePolicies(directory, roles), bounds),
      );
    });
  return withExamples(addSettings(up, ["server"]), [
    ["agentmesh up", "A mesh for this directory, on the customary ports"],
    ["agentmesh up --store redis://localhost:6379", "Tasks in Redis, shared with other processes"],
    ["agentmesh up --role-module ./roles/summarize.ts", "With a role of your own"],
    [
      "agentmesh up --autoscale --bounds testing=0-4",
      "Workers by their work, as KEDA would; testing up to four",
    ],
    ["agentmesh up --grpc-port 0 --metrics-port 0 --health-port 0", "On free ports; the output says which"],
  ]);
}
