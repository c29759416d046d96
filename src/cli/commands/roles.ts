/** `agentmesh roles`: the list of roles, from the code; needs no server. */
import { Command } from "commander";
import { z } from "zod";
import type { Role } from "../../agent/role.ts";
import { MeshError } from "../../core/errors.ts";
import { grpcPortOf } from "../../core/ports.ts";
import { withExamples, withJson } from "../help.ts";
import { loadRoles } from "../load-roles.ts";
import { out, print, printJson, table } from "../output.ts";
import { nearestRole } from "../role-names.ts";
import { addSettings, loadSettings } from "../setting-flags.ts";

export function command(): Command {
  const roles = new Command("roles")
    .description("Lists the roles; with a name, shows what the role takes and gives. Needs no server.")
    .argument("[role]", "show this one's input and output as JSON schemas")
    .action(async (name: string | undefined, options: { json?: boolean }, self: Command) => {
      const { config } = loadSettings(self);
      const all = await loadRoles(config.roles.modules);
      const facts = all.map((role, place) => factsOf(role, grpcPortOf(config.server.grpcPort, place)));
      if (name === undefined) return options.json ? printJson({ roles: facts }) : print(listOf(facts));
      const role = all.find((one) => one.name === name);
      if (!role) throw new MeshError("UNKNOWN_ROLE", nearestRole(name, all));
      const schemas = { input: schemaOf(role, "input"), output: schemaOf(role, "output") };
      if (options.json) return printJson({ ...facts[all.indexOf(role)], ...schemas });
      show(role, schemas);
    });
  return withExamples(addSettings(withJson(roles), ["client"]), [
    ["agentmesh roles", "All roles, with the port that each has on one machine"],
    ["agentmesh roles testing", "What the role testing takes and gives"],
    ["agentmesh roles --role-module ./roles/summarize.ts", "With a role of your own"],
    ["agentmesh roles testing --json | jq .input", "A JSON schema, for programs"],
  ]);
}

interface RoleFacts {
  readonly name: string;
  readonly summary: string;
  /** Of its gRPC server where all roles run on one machine. */
  readonly port: number;
  readonly concurrency: number;
  readonly leaseSeconds: number;
  readonly attempts: number;
}

function factsOf(role: Role, port: number): RoleFacts {
  const { name, summary, concurrency, lease, retry } = role;
  return { name, summary, port, concurrency, leaseSeconds: lease.seconds, attempts: retry.attempts };
}

function listOf(facts: readonly RoleFacts[]): string {
  return table(
    [
      { head: "ROLE", cell: (role) => role.name, paint: (cell) => out.bold(cell), least: 8 },
      { head: "PORT", cell: (role) => String(role.port), right: true },
      { head: "AT ONCE", cell: (role) => String(role.concurrency), right: true },
      { head: "WHAT IT DOES", cell: (role) => role.summary, least: 20 },
    ],
    facts,
  );
}

interface JsonSchema {
  readonly type?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

function schemaOf(role: Role, which: "input" | "output"): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(role[which] as z.ZodType, {
    io: which,
    unrepresentable: "any",
  });
  return schema as JsonSchema;
}

function show(role: Role, { input, output }: { input: JsonSchema; output: JsonSchema }): void {
  print(`${out.bold(role.name)}: ${role.summary}`);
  print(`\n${out.bold("Input")}\n${JSON.stringify(input, undefined, 2)}`);
  print(`\n${out.bold("Output")}\n${JSON.stringify(output, undefined, 2)}`);
  print(
    `\n${out.bold("Example")}\n  agentmesh submit ${role.name} '${JSON.stringify(exampleOf(input))}' --watch`,
  );
}

const exampleByType: Readonly<Record<string, unknown>> = {
  string: "…",
  integer: 1,
  number: 1,
  boolean: true,
  array: [],
  object: {},
};

/** A value for each field that must be given. */
function exampleOf(schema: JsonSchema): Record<string, unknown> {
  const required = schema.required ?? [];
  return Object.fromEntries(
    required.map((name) => {
      if (name === "repository") return [name, "/path/to/repository"];
      const property = schema.properties?.[name];
      return [name, exampleByType[String(property?.type)] ?? null];
    }),
  );
}
