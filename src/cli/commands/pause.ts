/** `agentmesh pause`: hands out no more of a queue's tasks. */
import { userInfo } from "node:os";
import { Command } from "commander";
import { callMesh } from "../call-mesh.ts";
import { withExamples, withJson } from "../help.ts";
import { note, print } from "../output.ts";
import { printQueueJson } from "../queue-table.ts";
import { addSettings } from "../setting-flags.ts";
import { counted } from "../terminal-text.ts";

interface PauseOptions {
  readonly reason: string;
  readonly by: string;
  readonly json?: boolean;
}

export function command(): Command {
  const pause = new Command("pause")
    .description(
      "Hands out no more of a queue's tasks, on every server of the mesh. Tasks that run go on, and new ones are taken in. " +
        "`agentmesh queues` and `agentmesh explain` show who paused it and why.",
    )
    .argument("<role>", "whose queue")
    .requiredOption("--reason <text>", "for whoever finds it paused")
    .option("--by <who>", "who pauses it; default: the name of this user", userName())
    .action(async (role: string, { reason, by, json }: PauseOptions, self: Command) => {
      const queue = await callMesh(self, (mesh) => mesh.control.pause(role, { reason, actor: by }));
      if (json) return printQueueJson(queue);
      print(
        `${role} is paused ${queue.pauseReason}; ${counted(queue.running, "task")} of it ${queue.running === 1 ? "runs" : "run"} on`,
      );
      note(`undo it: agentmesh resume ${role}`);
    });
  withExamples(addSettings(withJson(pause), ["client"]), [
    ["agentmesh pause testing --reason 'the test database moves'", "Until somebody resumes it"],
    ["agentmesh pause testing --reason 'out of quota' --by billing-bot", "In another's name"],
  ]);
  return pause;
}

/** A container's user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}
