/** `agentmesh redrive`: a queue's failed tasks again. */
import { Command } from "commander";
import { MeshError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { callMesh } from "../call-mesh.ts";
import { endWith } from "../exit-codes.ts";
import { gathered, pairs, wholeNumber, withExamples, withJson } from "../help.ts";
import { note, print, printJson } from "../output.ts";
import { addSettings } from "../setting-flags.ts";
import { inputFields, inputOf, inputOptionHelp } from "../task-input.ts";
import { counted } from "../terminal-text.ts";

interface RedriveCommandOptions {
  readonly kind: string[];
  readonly tenant?: string;
  readonly label?: Record<string, string>;
  readonly limit?: number;
  readonly input: string[];
  readonly json?: boolean;
}

export function command(): Command {
  const redrive = new Command("redrive")
    .description(
      "Puts a queue's FAILED tasks back, the newest first, each with all its attempts: after a fault was mended, say. " +
        "With an input, or fields of one, they run with that.",
    )
    .argument("<role>", "whose queue")
    .argument("[input]", "in place of each task's own: JSON, @FILE, or - for stdin")
    .option("--kind <kind>", "that failed with this kind of error; repeatable", gathered, [])
    .option("--tenant <tenant>", "of this tenant alone")
    .option("--label <name=value>", "with this label; repeatable", pairs)
    .option(
      "--limit <number>",
      `how many at most; default ${limits.redriveDefault}`,
      wholeNumber(1, limits.redriveMax),
    )
    .option("--input <name=value>", `changes ${inputOptionHelp}`, gathered, [])
    .action((role: string, said: string | undefined, options: RedriveCommandOptions, self: Command) =>
      act(role, said, options, self),
    );
  withExamples(addSettings(withJson(redrive), ["client"]), [
    ["agentmesh redrive testing", "All that failed"],
    ["agentmesh redrive testing --kind LEASE_EXPIRED --limit 100", "What its workers were lost with"],
    ['agentmesh redrive testing --input command:=\'["npm","test"]\'', "With one field changed"],
  ]);
  return redrive;
}

async function act(
  role: string,
  said: string | undefined,
  options: RedriveCommandOptions,
  self: Command,
): Promise<void> {
  const { kind, tenant, label, limit, input: fields, json = false } = options;
  if (said !== undefined && fields.length > 0)
    throw MeshError.invalid([
      { field: "--input", description: "changes fields of each task's own input; give it or a whole input" },
    ]);
  const answer = await callMesh(self, async (mesh) =>
    mesh.control.redrive(role, {
      errorKinds: kind,
      tenant,
      labels: label,
      tasksMax: limit,
      input: await inputOf(said, []),
      inputMerge: fields.length > 0 ? inputFields(fields) : undefined,
    }),
  );
  if (answer.refused > 0) endWith("failed");
  if (json) {
    const { redriveJson } = await import("../contract-json.ts");
    return printJson(redriveJson(answer));
  }
  print(`${counted(answer.redriven, "task")} of ${role} put back`);
  for (const { taskId, refusal } of answer.refusals) note(`${taskId} was not: ${refusal?.message}`);
  if (answer.refused > answer.refusals.length)
    note(`${answer.refused - answer.refusals.length} more were not, for the like`);
  if (answer.more) note("there may be more; call it again");
}
