/** `agentmesh explain`: why a task waits. */
import { Command } from "commander";
import { callMesh, kindOfId } from "../call-mesh.ts";
import { withExamples, withJson } from "../help.ts";
import { columnsOf, out, print, printJson } from "../output.ts";
import { addSettings } from "../setting-flags.ts";
import { inStateColor, stateName } from "../task-states.ts";
import { plainLine, wrapped } from "../terminal-text.ts";

export function command(): Command {
  const explain = new Command("explain")
    .description(
      "Says what a task waits for, the most important first: a paused queue, its parents, a time, a cap, a rate, a worker, " +
        "or the tasks before it.",
    )
    .argument("<id>", "of a task or a workflow")
    .action(async (id: string, options: { json?: boolean }, self: Command) => {
      kindOfId(id);
      const explained = await callMesh(self, (mesh) => mesh.explain(id));
      if (options.json) {
        const { explanationJson } = await import("../contract-json.ts");
        return printJson(explanationJson(explained));
      }
      const { state, reasons } = explained;
      const waits = reasons.length === 0 ? "; it does not wait" : "";
      print(`${id} is ${inStateColor(out, state, stateName(state))}${waits}`);
      for (const { kind, message } of reasons) {
        print(out.bold(kind));
        for (const line of wrapped(plainLine(message), columnsOf(process.stdout) - 2)) print(`  ${line}`);
      }
    });
  withExamples(addSettings(withJson(explain), ["client"]), [
    ["agentmesh explain testing.01kabcxyz", "What it waits for"],
    ["agentmesh explain testing.01kabcxyz --json | jq -r '.reasons[].kind'", "For programs"],
  ]);
  return explain;
}
