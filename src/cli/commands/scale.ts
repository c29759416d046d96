/** `agentmesh scale`: how many replicas roles want and have, and why. */
import { setTimeout as pause } from "node:timers/promises";
import { Command } from "commander";
import type { MeshClient } from "../../client/mesh-client.ts";
import { callMesh } from "../call-mesh.ts";
import { withExamples, withJson } from "../help.ts";
import { interrupts } from "../interrupts.ts";
import { print, printJson } from "../output.ts";
import { explainScale, scaleTable } from "../scale-table.ts";
import { addSettings } from "../setting-flags.ts";

interface Options {
  readonly explain?: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** Between two looks of a live table. */
const lookMs = 1_000;

export function command(): Command {
  const scale = new Command("scale")
    .description(
      "Shows for each role the work that counts, the replicas that it means and those that there are, and what keeps the two apart. " +
        "On a terminal the table is live until Ctrl-C; elsewhere it is printed once. Replicas are the worker processes of `up " +
        "--autoscale`, or the instances that live.",
    )
    .argument("[roles...]", "these alone; default: all")
    .option("--explain <role>", "the sum behind one role's number")
    .option("--once", "print the table once on a terminal too")
    .action(async (roles: string[], options: Options, self: Command) =>
      callMesh(self, (mesh) => show(mesh, roles, options)),
    );
  return withExamples(addSettings(withJson(scale), ["client"]), [
    ["agentmesh scale", "All roles, live"],
    ["agentmesh scale --explain testing", "Why testing has as many as it has"],
    ["agentmesh scale --json | jq '.roles[] | {role, desired, ready}'", "For programs"],
  ]);
}

async function show(mesh: MeshClient, roles: readonly string[], options: Options): Promise<void> {
  if (options.explain !== undefined) {
    const found = await mesh.scale([options.explain]);
    if (options.json) return printJson(await jsonOf(found));
    return print(found.map(explainScale).join("\n"));
  }
  if (options.json) return printJson(await jsonOf(await mesh.scale(roles)));
  if (options.once || !process.stdout.isTTY) return print(scaleTable(await mesh.scale(roles)));
  await live(mesh, roles);
}

async function live(mesh: MeshClient, roles: readonly string[]): Promise<void> {
  const { createLogUpdate } = await import("log-update");
  const view = createLogUpdate(process.stdout);
  using stop = interrupts(() => process.exit(0));
  while (!stop.signal.aborted) {
    view(scaleTable(await mesh.scale(roles)));
    await pause(lookMs, undefined, { signal: stop.signal }).catch(() => {});
  }
  view.done();
}

async function jsonOf(roles: Awaited<ReturnType<MeshClient["scale"]>>) {
  const { scaleJson } = await import("../contract-json.ts");
  return scaleJson({ roles });
}
