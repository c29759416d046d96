/** `agentmesh serve`: chosen roles, as a pod does. */
import { Command } from "commander";
import type { Role } from "../../agent/role.ts";
import { MeshError } from "../../core/errors.ts";
import { gathered, withExamples } from "../help.ts";
import { nearestRole } from "../role-names.ts";
import { addSettings } from "../setting-flags.ts";

export function command(): Command {
  const serve = new Command("serve")
    .description(
      "Starts the roles that are named, and no others: the first on the gRPC port, the next in steps of 100. Several " +
        "processes are one mesh where they share a store in Redis.",
    )
    .requiredOption("--role <role>", "a role to serve and to work for; repeatable", gathered)
    .action(async (options: { role: string[] }, self: Command) => {
      const { serveMesh } = await import("../serve-mesh.ts");
      await serveMesh(self, (roles) => chosen(roles, [...new Set(options.role)]));
    });
  return withExamples(addSettings(serve, ["server"]), [
    ["agentmesh serve --role testing --store redis://redis:6379 --host 0.0.0.0", "What a pod of a role runs"],
    ["agentmesh serve --role orchestrator --role synthesis", "Two roles in one process"],
  ]);
}

/** Throws UNKNOWN_ROLE that lists the known names. */
function chosen(roles: readonly Role[], names: readonly string[]): Role[] {
  return names.map((name) => {
    const found = roles.find((role) => role.name === name);
    if (found) return found;
    throw new MeshError("UNKNOWN_ROLE", nearestRole(name, roles));
  });
}
