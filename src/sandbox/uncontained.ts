/**
 * The same contract without walls: the command can read and write whatever we can, and reach the network. It has the
 * clean environment, the limits and the end of every process in common with the sandbox; a process that leaves both its
 * session and its environment behind can outlive it.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostEnvironment } from "../core/config/host.ts";
import { Bounds, type BoundsOptions } from "./bounds.ts";
import { commandEnvironment, passedVariables } from "./environment.ts";
import { markName, sessionTree } from "./process-tree.ts";
import type { Sandbox } from "./sandbox.ts";
import { checkWorkspace } from "./workspace-path.ts";

export function uncontainedSandbox(options: BoundsOptions = {}): Sandbox {
  const bounds = new Bounds(options);
  return {
    containment: "none",
    run: async (command, runOptions) => {
      const workspace = await checkWorkspace(runOptions.workspace);
      const scratch = await mkdtemp(join(tmpdir(), "agentmesh-home-"));
      const mark = randomUUID();
      const host = hostEnvironment(passedVariables);
      const added = { ...runOptions.env, [markName]: mark };
      try {
        return await bounds.run(
          {
            walls: [],
            command,
            cwd: workspace,
            env: commandEnvironment({ host, execPath: process.execPath, scratch, added }),
            containment: "none",
            treeOf: (child) => sessionTree(child.pid!, mark),
          },
          { ...runOptions, workspace },
        );
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    },
  };
}
