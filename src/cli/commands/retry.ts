/** `agentmesh retry`: a failed or canceled task again. */
import { Command } from "commander";
import { callMesh, kindOfId } from "../call-mesh.ts";
import { gathered, withExamples, withJson } from "../help.ts";
import { note, print, printJson } from "../output.ts";
import { addSettings } from "../setting-flags.ts";
import { inputOf, inputOptionHelp } from "../task-input.ts";
import { stateName } from "../task-states.ts";

interface RetryOptions {
  readonly input: string[];
  readonly json?: boolean;
}

export function command(): Command {
  const retry = new Command("retry")
    .description("Puts a FAILED or CANCELED task back in its queue, with all its attempts.")
    .argument("<id>", "of a task")
    .argument("[input]", "another input: JSON, @FILE, or - for stdin")
    .option("--input <name=value>", inputOptionHelp, gathered, [])
    .action(async (id: string, said: string | undefined, options: RetryOptions, self: Command) => {
      kindOfId(id);
      const input = await inputOf(said, options.input);
      const task = await callMesh(self, (mesh) => mesh.retry(id, input));
      if (options.json) {
        const { taskJson } = await import("../contract-json.ts");
        return printJson(taskJson(task));
      }
      print(`${task.id} is ${stateName(task.state)}, generation ${task.generation}`);
      note(`follow it: agentmesh watch ${task.id}`);
    });
  withExamples(addSettings(withJson(retry), ["client"]), [
    ["agentmesh retry testing.01kabcxyz", "Try again what failed"],
    ["agentmesh retry testing.01kabcxyz --input repository=./app", "Try again with another input"],
  ]);
  return retry;
}
