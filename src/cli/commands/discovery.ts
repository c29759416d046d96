/** `agentmesh discovery`: replicas, the clients of the control plane, changes as they happen, and the check of a policy. */
import { Command } from "commander";
import type { GetDiscoveryResponse } from "../../../gen/grpc/agentmesh/v1/discovery.ts";
import { readPolicy } from "../../discovery/read-policy.ts";
import { callMesh } from "../call-mesh.ts";
import { policyFacts } from "../discovery-policy.ts";
import { printChange, showClients, showDiscovery } from "../discovery-table.ts";
import { withExamples, withJson } from "../help.ts";
import { print, printJson, printJsonLine } from "../output.ts";
import { readText } from "../read-text.ts";
import { addSettings } from "../setting-flags.ts";

export function command(): Command {
  const discovery = new Command("discovery").description(
    "What the control plane knows and tells: it turns live replicas and a traffic policy into xDS resources for gRPC clients.",
  );
  for (const part of [show(), clients(), watch(), check()]) discovery.addCommand(part);
  return withExamples(discovery, [
    ["agentmesh discovery show", "Every replica that clients may be sent to"],
    ["agentmesh discovery clients", "Who is connected, and what each has taken over"],
    ["agentmesh discovery check policy.yaml", "What is wrong with a policy, before it is live"],
  ]);
}

function show(): Command {
  const part = new Command("show")
    .description(
      "Shows the replicas of each role as clients are told of them, and the state of policy and source.",
    )
    .argument("[role]", "this one alone; default: all")
    .action(async (role: string | undefined, options: { json?: boolean }, self: Command) => {
      const found = await callMesh(self, (mesh) => mesh.discovery.get(role));
      if (!options.json) return showDiscovery(found);
      const { discoveryJson } = await import("../contract-json.ts");
      printJson(discoveryJson(found));
    });
  return withExamples(addSettings(withJson(part), ["client"]), [
    ["agentmesh discovery show coding", "The replicas of one role"],
    ["agentmesh discovery show --server 127.0.0.1:9490", "As another control plane has them"],
  ]);
}

function clients(): Command {
  const part = new Command("clients")
    .description("Lists the xDS clients of this control plane, and whether each uses what it was sent last.")
    .action(async (options: { json?: boolean }, self: Command) => {
      const found = await callMesh(self, (mesh) => mesh.discovery.clients());
      if (!options.json) return showClients(found);
      const { discoveryClientsJson } = await import("../contract-json.ts");
      printJson(discoveryClientsJson({ clients: found }));
    });
  return withExamples(addSettings(withJson(part), ["client"]), [
    ["agentmesh discovery clients", "One line a client, and why one refused what it was sent"],
  ]);
}

function watch(): Command {
  const part = new Command("watch")
    .description("Prints what changes in the control plane as it is published, until it is interrupted.")
    .argument("[role]", "this one alone; default: all")
    .action(async (role: string | undefined, options: { json?: boolean }, self: Command) => {
      const { discoveryJson } = await import("../contract-json.ts");
      await callMesh(self, async (mesh) => {
        let last: GetDiscoveryResponse | undefined;
        for await (const next of mesh.discovery.watch(role)) {
          if (options.json) printJsonLine(discoveryJson(next));
          else printChange(last, next);
          last = next;
        }
      });
    });
  return withExamples(addSettings(withJson(part), ["client"]), [
    ["agentmesh discovery watch", "Replicas that come, drain and go; policies that are accepted or refused"],
    ["agentmesh discovery watch coding --json", "One JSON object a change"],
  ]);
}

function check(): Command {
  const part = new Command("check")
    .description("Says what is wrong with a traffic policy, by its lines, or what it means. Needs no server.")
    .argument("<file>", "a YAML file; docs/discovery.md has every field")
    .action((file: string, options: { json?: boolean }) => {
      const policy = readPolicy(readText(file, "INVALID_POLICY"), file);
      if (options.json) return printJson({ file, policy });
      print(policyFacts(policy));
    });
  return withExamples(withJson(part), [
    ["agentmesh discovery check policy.yaml", "Ends with 0 where it could be taken"],
  ]);
}
