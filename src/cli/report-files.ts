/** A review's report as files: for people, for programs, and for code hosts. */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Workflow } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import type { MeshClient } from "../client/mesh-client.ts";
import { systemClock } from "../core/clock.ts";
import { MeshError } from "../core/errors.ts";
import { fromPayload } from "../core/payload.ts";
import { SynthesisReport } from "../roles/synthesis/report.ts";
import { plainLine } from "./terminal-text.ts";
import { checkOut } from "./usable-directory.ts";

export interface Review {
  readonly report: SynthesisReport;
  /** What each node answered; failed ones are left out. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** The review in a workflow's output; undefined where it is something else. */
export async function reviewOf(mesh: MeshClient, workflow: Workflow): Promise<Review | undefined> {
  const parsed = SynthesisReport.safeParse(fromPayload(workflow.output));
  if (!parsed.success) return undefined;
  const tasks = await Promise.all(
    workflow.nodes.map(async ({ name, taskId }) => [name, await mesh.get(taskId)] as const),
  );
  const outputs = tasks.map(([name, task]) => [name, fromPayload(task.output)] as const);
  return { report: parsed.data, outputs: Object.fromEntries(outputs.filter(([, one]) => one !== undefined)) };
}

/** `.agentmesh/reports/NAME-20260131-235959`, after the repository's or the workflow's name. */
export function reportDirectory(dataDir: string, named: string, nowMs = systemClock.now()): string {
  const name = basename(named).replace(/[^\w.-]+/g, "-") || "report";
  const now = new Date(nowMs);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  return join(dataDir, "reports", `${name}-${day}-${time}`);
}

/** The files written, with what each is for. */
export function writeReview(directory: string, { report, outputs }: Review): readonly string[] {
  const { markdown, ...rest } = report;
  const files: Record<string, string> = {
    "report.md": markdown,
    "report.json": `${JSON.stringify(rest, undefined, 2)}\n`,
  };
  const sarif = Object.values(outputs)
    .map(sarifIn)
    .find((found) => found !== undefined);
  if (sarif !== undefined) files["security.sarif"] = `${JSON.stringify(sarif, undefined, 2)}\n`;
  return writeFiles(directory, files);
}

/** Throws INVALID_FIELD that names `--out` when the directory cannot be written to. */
export function writeFiles(directory: string, files: Readonly<Record<string, string>>): string[] {
  checkOut(directory);
  try {
    mkdirSync(directory, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  } catch (error) {
    const why = plainLine((error as Error).message);
    throw MeshError.invalid([{ field: "--out", description: `cannot write to ${directory}: ${why}` }]);
  }
  return Object.keys(files).map((name) => join(directory, name));
}

function sarifIn(output: unknown): unknown {
  return (output as { sarif?: unknown } | null | undefined)?.sarif;
}

/** Whether a node's commands ran without walls. */
export function ranUncontained({ outputs }: Review): boolean {
  return Object.values(outputs).some(
    (output) => (output as { containment?: unknown } | null)?.containment === "none",
  );
}
