/** `agentmesh purge`: deletes a queue's tasks. */
import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import type { TaskState } from "../../../gen/grpc/agentmesh/v1/task.ts";
import { MeshError } from "../../core/errors.ts";
import { callMesh } from "../call-mesh.ts";
import { endWith } from "../exit-codes.ts";
import { withExamples, withJson } from "../help.ts";
import { note, print, printJson } from "../output.ts";
import { addSettings } from "../setting-flags.ts";
import { gatheredState, stateName } from "../task-states.ts";
import { counted } from "../terminal-text.ts";

interface PurgeOptions {
  readonly state?: TaskState[];
  readonly deadLetter?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function command(): Command {
  const purge = new Command("purge")
    .description(
      "Deletes a queue's tasks with their inputs, outputs and logs; there is no way back. Tasks that wait are canceled first. " +
        "Running ones are not purged. On a terminal it asks before; elsewhere it needs --yes.",
    )
    .argument("<role>", "whose queue")
    .option("--state <state>", "tasks in this state; repeatable, not running", gatheredState)
    .option("--dead-letter", "what failed for good and was not retried since")
    .option("--yes", "do not ask")
    .action((role: string, options: PurgeOptions, self: Command) => act(role, options, self));
  withExamples(addSettings(withJson(purge), ["client"]), [
    ["agentmesh purge testing --dead-letter", "What failed for good, after a question"],
    ["agentmesh purge testing --state queued --state scheduled --yes", "All that waits"],
    ["agentmesh purge testing --state succeeded --yes --json | jq .purged", "How many, for programs"],
  ]);
  return purge;
}

async function act(role: string, options: PurgeOptions, self: Command): Promise<void> {
  const { state: states = [], deadLetter = false, yes = false, json = false } = options;
  if (states.length === 0 && !deadLetter)
    throw invalid(
      "--state",
      "name the states to delete, or --dead-letter; `--state queued --state failed`, say",
    );
  const names = [
    ...states.map((state) => stateName(state).toLowerCase()),
    ...(deadLetter ? ["dead-letter"] : []),
  ];
  if (!yes && !(process.stdin.isTTY && process.stderr.isTTY))
    throw invalid("--yes", "is needed where nobody can be asked");
  if (!yes && !(await agreed(`Delete all ${names.join(", ")} tasks of ${role}, for good?`))) {
    note("nothing was deleted");
    return endWith("interrupted");
  }
  const purged = await callMesh(self, (mesh) => mesh.control.purge(role, { states, deadLetter }));
  if (json) return printJson({ purged });
  print(`${counted(purged, "task")} of ${role} deleted`);
}

async function agreed(question: string): Promise<boolean> {
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-D is an answer too.
  const closed = new Promise<string>((resolve) => asking.once("close", () => resolve("")));
  const answer = await Promise.race([asking.question(`${question} [y/N] `), closed]);
  asking.close();
  return /^y(es)?$/i.test(answer.trim());
}

function invalid(field: string, description: string): MeshError {
  return MeshError.invalid([{ field, description }]);
}
