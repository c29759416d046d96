/** `agentmesh run`: a workflow on a mesh that runs. */
import { Command } from "commander";
import { callMesh } from "../call-mesh.ts";
import { endWith, exitCodes } from "../exit-codes.ts";
import { noteEnd } from "../follow.ts";
import { gathered, withExamples, withJson } from "../help.ts";
import { interrupts } from "../interrupts.ts";
import { loadWorkflow } from "../load-workflow.ts";
import { note, print, printJson } from "../output.ts";
import { reportDirectory, reviewOf, writeFiles } from "../report-files.ts";
import { checkRepositoryInput } from "../repository-path.ts";
import { runWorkflow } from "../run-workflow.ts";
import { addSettings, loadSettings } from "../setting-flags.ts";
import { showOutput } from "../show-task.ts";
import { inputFields, inputOptionHelp } from "../task-input.ts";
import { endingOfState } from "../task-states.ts";
import { shownPath, tellReview } from "../tell-review.ts";
import { checkOut } from "../usable-directory.ts";

interface RunOptions {
  readonly input: string[];
  readonly key?: string;
  readonly tenant?: string;
  readonly out?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
}

export function command(): Command {
  const run = new Command("run")
    .description(
      "Runs a workflow, shows how it goes, and prints what it answers. A review is told in short and written to files. " +
        "Ctrl-C ends the looking on; the workflow goes on without it.",
    )
    .argument("<workflow>", "a name from the library (review), or a YAML file")
    .option("--input <name=value>", inputOptionHelp, gathered, [])
    .option("--out <dir>", "write its output to this directory")
    .option("--key <text>", "idempotency key: the same key and request are the same run")
    .option("--tenant <tenant>", "whose work it is")
    .option("--detach", "print its id and do not wait")
    .action((workflow: string, options: RunOptions, self: Command) => act(workflow, options, self));
  return withExamples(addSettings(withJson(run), ["client"]), [
    [
      "agentmesh run review --input repository=.",
      "Review this directory, on a mesh that `agentmesh up` started",
    ],
    ["agentmesh run ./nightly.yaml --input branch=main --detach", "A workflow of your own, without waiting"],
    ["agentmesh run review --input repository=. --json | jq .state", "For programs"],
  ]);
}

async function act(named: string, options: RunOptions, self: Command): Promise<void> {
  if (options.out !== undefined) checkOut(options.out);
  const spec = loadWorkflow(named);
  const inputs = inputFields(options.input);
  checkRepositoryInput(inputs);
  const request = { spec, inputs, tenant: options.tenant, idempotencyKey: options.key };
  using stop = interrupts(() => process.exit(exitCodes.interrupted.code));
  await callMesh(self, async (mesh) => {
    if (options.detach) {
      const { id } = await mesh.workflows.run(spec, inputs, {
        tenant: options.tenant,
        idempotencyKey: options.key,
      });
      return options.json ? printJson({ id }) : print(id);
    }
    let id = "";
    stop.signal.addEventListener("abort", () => note(`it goes on: agentmesh watch ${id}`));
    const workflow = await runWorkflow(mesh, {
      ...request,
      signal: stop.signal,
      onSubmitted(submitted) {
        id = submitted;
        note(id);
      },
    });
    noteEnd(workflow);
    endWith(endingOfState(workflow.state));
    if (options.json) {
      const { workflowJson } = await import("../contract-json.ts");
      return printJson(workflowJson(workflow));
    }
    const review = await reviewOf(mesh, workflow);
    const { dir } = loadSettings(self).config.data;
    if (review)
      return tellReview(review, options.out ?? reportDirectory(dir, String(inputs.repository ?? named)));
    showOutput(workflow);
    if (options.out === undefined) return;
    const { workflowJson } = await import("../contract-json.ts");
    const text = `${JSON.stringify(workflowJson(workflow), undefined, 2)}\n`;
    for (const file of writeFiles(options.out, { "workflow.json": text }))
      note(`written: ${shownPath(file)}`);
  });
}
