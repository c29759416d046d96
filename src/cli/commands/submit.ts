/** `agentmesh submit`: one task. */
import { Command } from "commander";
import type { MeshClient } from "../../client/mesh-client.ts";
import { limits } from "../../core/limits.ts";
import { encodePayload, toPayload } from "../../core/payload.ts";
import type { Timeouts } from "../../queue/task.ts";
import { callMesh } from "../call-mesh.ts";
import { endWith } from "../exit-codes.ts";
import { gathered, pairs, wholeNumber, withExamples, withJson } from "../help.ts";
import { err, note, print, printJson } from "../output.ts";
import { addSettings } from "../setting-flags.ts";
import { inputOf, inputOptionHelp } from "../task-input.ts";
import { endingOfState, stateName } from "../task-states.ts";

interface SubmitCommandOptions {
  readonly input: string[];
  readonly key?: string;
  readonly priority?: number;
  readonly delayMs?: number;
  readonly tenant?: string;
  readonly label?: Record<string, string>;
  readonly attempts?: number;
  readonly title?: string;
  readonly concurrencyKey?: string;
  readonly workerLabel?: Record<string, string>;
  readonly toStartSeconds?: number;
  readonly toFinishSeconds?: number;
  readonly heartbeatSeconds?: number;
  readonly wait?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

const seconds = wholeNumber(1, limits.timeoutMsMax / 1_000);

export function command(): Command {
  const submit = new Command("submit")
    .description(
      "Gives a role a task and prints the task's id once the mesh has it for good. With --wait or --watch it goes on " +
        "to the task's end and prints what the role answered.",
    )
    .argument("<role>", "who is to do it; `agentmesh roles` lists them")
    .argument("[input]", "JSON, @FILE, or - for stdin")
    .option("--input <name=value>", inputOptionHelp, gathered, [])
    .option("--key <text>", "idempotency key: the same key and request are the same task")
    .option("--priority <0-9>", "9 goes first; default 5", wholeNumber(0, 9))
    .option("--delay-ms <ms>", "not before this long from now", wholeNumber(0, limits.delayMsMax))
    .option("--tenant <tenant>", "whose work it is")
    .option("--label <name=value>", "for finding it again; repeatable", pairs)
    .option("--attempts <number>", "tries in all; default: the role's", wholeNumber(1, limits.attemptsMax))
    .option("--title <text>", "one line for people")
    .option("--concurrency-key <text>", "tasks with one key share the limits a key that their queue has")
    .option("--worker-label <name=value>", "only to a worker that has this label; repeatable", pairs)
    .option("--to-start-seconds <s>", "fail it when no worker took it this long after it was queued", seconds)
    .option("--to-finish-seconds <s>", "fail an attempt that runs longer", seconds)
    .option("--heartbeat-seconds <s>", "fail an attempt that logs nothing for so long", seconds)
    .option("--wait", "wait for its end")
    .option("--watch", "wait for its end, and print its log on stderr meanwhile")
    .action(async (role: string, said: string | undefined, options: SubmitCommandOptions, self: Command) => {
      const input = await inputOf(said, options.input);
      // Over this, no message could carry it; the server has a limit of its own.
      encodePayload("input", toPayload(input), limits.messageBytesMax - 65_536);
      await callMesh(self, (mesh) => act(mesh, role, input, options));
    });
  withExamples(addSettings(withJson(submit), ["client"]), [
    ["agentmesh submit testing --input repository=. --watch", "Run the tests of this directory, and look on"],
    [`agentmesh submit security '{"repository": "/src/app"}' --wait`, "Wait, and print the answer"],
    [
      "agentmesh submit testing --input repository=. --worker-label gpu=h100 --to-finish-seconds 600",
      "On such a worker, ten minutes at most",
    ],
    ["agentmesh submit testing @input.json --key build-42 --priority 9", "Once, however often it is called"],
  ]);
  return submit;
}

function timeoutsOf({
  toStartSeconds,
  toFinishSeconds,
  heartbeatSeconds,
}: SubmitCommandOptions): Timeouts | undefined {
  const ms = (s: number | undefined) => (s === undefined ? undefined : s * 1_000);
  const timeouts = {
    toStartMs: ms(toStartSeconds),
    toFinishMs: ms(toFinishSeconds),
    heartbeatMs: ms(heartbeatSeconds),
  };
  return Object.values(timeouts).some((one) => one !== undefined) ? timeouts : undefined;
}

async function act(
  mesh: MeshClient,
  role: string,
  input: unknown,
  options: SubmitCommandOptions,
): Promise<void> {
  const { priority, delayMs, tenant, title, label, attempts, key, json = false } = options;
  const spec = {
    priority,
    delayMs,
    tenant,
    title,
    labels: label,
    attemptsMax: attempts,
    idempotencyKey: key,
    concurrencyKey: options.concurrencyKey,
    workerLabels: options.workerLabel,
    timeouts: timeoutsOf(options),
  };
  const { id, state, existing } = await mesh.submit(role, input, spec);
  if (!options.wait && !options.watch) {
    if (json) return printJson({ id, state: stateName(state), existing });
    print(id);
    return note(err.dim(`${existing ? "it was there already; " : ""}follow it: agentmesh watch ${id}`));
  }
  if (!json) note(err.dim(id));
  const { followTask } = await import("../follow.ts");
  const task = options.watch ? await followTask(mesh, id, { from: 1, json: false }) : await mesh.wait(id);
  endWith(endingOfState(task.state));
  const { showOutput } = await import("../show-task.ts");
  if (!json) return showOutput(task);
  const { taskJson } = await import("../contract-json.ts");
  printJson(taskJson(task));
}
