/**
 * Discovery: its servers run the xDS control plane, by which gRPC clients find every replica (src/discovery). As a role it answers
 * what agents ask: which replicas are there.
 */
import { z } from "zod";
import { InstanceState } from "../../../gen/grpc/agentmesh/v1/agent.ts";
import { defineRole } from "../../agent/role.ts";

const DiscoveryInput = z.strictObject({
  role: z.string().optional().describe("this role alone; default: all"),
});

const DiscoveryOutput = z.object({
  replicas: z.array(
    z.object({
      id: z.string(),
      role: z.string(),
      address: z.string(),
      version: z.string(),
      state: z.enum(["starting", "serving", "draining", "gone", "unspecified"]),
    }),
  ),
});

const states = Object.fromEntries(
  Object.entries(InstanceState).map(([name, value]) => [value, name.toLowerCase()]),
);

export default defineRole({
  name: "discovery",
  summary: "Finds the replicas of roles; its server is the mesh's xDS control plane",
  input: DiscoveryInput,
  output: DiscoveryOutput,
  concurrency: 8,
  scale: { min: 2, max: 20, tasksPerReplica: 64 },
  async run({ role }, task) {
    const { instances } = await task.mesh.instances(role);
    task.log(`${instances.length} replicas${role ? ` of ${role}` : ""}`);
    const replicas = instances.map(({ id, role: of, address, port, version, state }) => ({
      id,
      role: of,
      address: address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`,
      version,
      state: states[state] as z.infer<typeof DiscoveryOutput>["replicas"][number]["state"],
    }));
    return { replicas };
  },
});
