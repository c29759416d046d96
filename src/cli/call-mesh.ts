/** A client for the length of one command. */
import type { Command } from "commander";
import { MeshClient } from "../client/mesh-client.ts";
import { MeshError } from "../core/errors.ts";
import { queueOf } from "../core/ids.ts";
import { orchestratorRole } from "../workflow/plan.ts";
import { loadSettings } from "./setting-flags.ts";

/** Calls `act` with a client of the mesh that the settings name, and closes it after. */
export async function callMesh<Answer>(
  command: Command,
  act: (mesh: MeshClient) => Promise<Answer>,
): Promise<Answer> {
  const { config, origins } = loadSettings(command);
  const { server, discovery, nodeId, nodeMetadata, timeoutSeconds } = config.client;
  const { region = "", zone = "", subZone = "" } = config.server;
  const mesh = new MeshClient({
    // Where control planes are named they say where the servers are, unless somebody named one.
    ...(discovery === undefined || origins["client.server"] !== "default" ? { server } : {}),
    controlPlanes: discovery?.split(",") ?? [],
    place: { region, zone, subZone },
    node: { id: nodeId, metadata: nodeMetadata },
    timeoutMs: timeoutSeconds * 1_000,
  });
  try {
    return await act(mesh);
  } finally {
    mesh.close();
  }
}

/** What an id names. Throws INVALID_FIELD for one that no mesh has made. */
export function kindOfId(id: string): "task" | "workflow" {
  const queue = queueOf(id);
  if (queue !== undefined) return queue === orchestratorRole ? "workflow" : "task";
  const description = `"${id.slice(0, 80)}" is no id of a task or a workflow; ids look like testing.01kabc…`;
  throw MeshError.invalid([{ field: "id", description }]);
}
