/** The demo: a mesh, a review, its report, and an end that leaves nothing behind. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { TaskState } from "../../gen/grpc/agentmesh/v1/task.ts";
import { MeshError } from "../core/errors.ts";
import { type EmbeddedMesh, startEmbeddedMesh } from "./embedded-mesh.ts";
import { endWith, exitCodes } from "./exit-codes.ts";
import { interrupts } from "./interrupts.ts";
import { loadWorkflow } from "./load-workflow.ts";
import { err, note } from "./output.ts";
import { reportDirectory, reviewOf } from "./report-files.ts";
import { runWorkflow } from "./run-workflow.ts";
import { loadSettings } from "./setting-flags.ts";
import { shownPath, tellReview } from "./tell-review.ts";
import { shownDuration } from "./terminal-text.ts";
import { checkOut } from "./usable-directory.ts";

export interface Demo {
  readonly repository: string;
  readonly out?: string;
  readonly command?: string;
}

/** An interrupted task is not worth a long wait. */
const drainMs = 2_000;

export async function runDemo(demo: Demo, self: Command): Promise<void> {
  if (demo.out !== undefined) checkOut(resolve(demo.out));
  using stop = interrupts(() => process.exit(exitCodes.interrupted.code));
  note(`Reviewing ${err.bold(shownPath(demo.repository))}`);
  note(err.dim("with a mesh that lives for this review: four servers, a queue each, one store"));
  const mesh = await startEmbeddedMesh(self);
  let done = false;
  try {
    await review(mesh, demo, self, stop.signal);
    done = true;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    note("interrupted: the workflow was canceled");
    endWith("interrupted");
    done = true;
  } finally {
    await mesh.close({ timeoutMs: drainMs, keep: !done });
    if (!done) note(`the mesh's log: ${shownPath(mesh.logFile)}`);
  }
  if (!stop.signal.aborted) note(err.dim(`\n  all in ${shownDuration(process.uptime() * 1_000)}`));
}

async function review(mesh: EmbeddedMesh, demo: Demo, self: Command, signal: AbortSignal): Promise<void> {
  const { client } = mesh;
  const { repository, command = "" } = demo;
  const options = { spec: loadWorkflow("review"), inputs: { repository, command }, signal };
  let canceled: Promise<unknown> | undefined;
  const workflow = await runWorkflow(client, {
    ...options,
    onSubmitted(id) {
      const cancel = () => {
        canceled = client.workflows.cancel(id, "interrupted").catch(() => {});
      };
      if (signal.aborted) cancel();
      else signal.addEventListener("abort", cancel, { once: true });
    },
  }).finally(() => canceled);
  const found = workflow.state === TaskState.SUCCEEDED ? await reviewOf(client, workflow) : undefined;
  if (!found) throw failed(workflow.error?.message ?? "it ended without a report");
  const { dir } = loadSettings(self).config.data;
  tellReview(found, demo.out === undefined ? reportDirectory(dir, repository) : resolve(demo.out));
}

function failed(why: string): MeshError {
  return new MeshError("TASK_FAILED", `the review did not end as it should: ${why}`);
}
