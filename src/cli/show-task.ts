/** Tasks and workflows as people read them. */
import type { Task, Timeouts } from "../../gen/grpc/agentmesh/v1/task.ts";
import type { Workflow, WorkflowNodeStatus } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { systemClock } from "../core/clock.ts";
import { fromPayload } from "../core/payload.ts";
import { durationToMs } from "../core/time.ts";
import { type Column, note, out, print, printJson, table } from "./output.ts";
import { inStateColor, stateName } from "./task-states.ts";
import { plainLine, shownDuration } from "./terminal-text.ts";

function ago(date: Date | undefined): string {
  return date ? `${shownDuration(Math.max(0, systemClock.now() - date.getTime()))} ago` : "-";
}

function between(start: Date | undefined, end: Date | undefined): string {
  if (!start) return "-";
  return shownDuration(Math.max(0, (end?.getTime() ?? systemClock.now()) - start.getTime()));
}

/** One task, a fact a line. */
export function showTask(task: Task): void {
  const { spec, error } = task;
  showFacts([
    ["id", task.id],
    ["title", spec?.title],
    ["state", inStateColor(out, task.state, stateName(task.state))],
    ["tenant", spec?.tenant],
    ["priority", String(spec?.priority ?? "")],
    ["attempt", `${task.attempt}${task.generation > 1 ? `, generation ${task.generation}` : ""}`],
    ["created", ago(task.createTime)],
    ["ran", task.startTime && between(task.startTime, task.finishTime)],
    ["worker", task.workerId],
    ["workflow", spec?.workflowId && `${spec.workflowId}, node ${spec.workflowNode}`],
    ["labels", pairsOf(spec?.labels)],
    ["worker labels", pairsOf(spec?.workerLabels)],
    ["key", spec?.concurrencyKey],
    ["timeouts", timeoutsLine(spec?.timeouts)],
    ["progress", task.progress && `${Math.round(task.progress.fraction * 100)} % ${task.progress.message}`],
    ["error", error && `${error.kind}: ${error.message}`],
    ["input", oneLineJson(fromPayload(spec?.input))],
    ["output", oneLineJson(fromPayload(task.output))],
  ]);
}

function pairsOf(labels: Readonly<Record<string, string>> = {}): string {
  return Object.entries(labels)
    .map((pair) => pair.join("="))
    .join(", ");
}

function timeoutsLine(timeouts: Timeouts | undefined): string {
  const said = [
    ["to start", timeouts?.toStart],
    ["to finish", timeouts?.toFinish],
    ["heartbeat", timeouts?.heartbeat],
  ] as const;
  return said
    .flatMap(([name, span]) => (span ? [`${shownDuration(durationToMs(span))} ${name}`] : []))
    .join(", ");
}

/** One workflow, with a table of its nodes. */
export function showWorkflow(workflow: Workflow): void {
  const { error } = workflow;
  showFacts([
    ["id", workflow.id],
    ["workflow", workflow.spec?.name],
    ["state", inStateColor(out, workflow.state, stateName(workflow.state))],
    ["created", ago(workflow.createTime)],
    ["took", between(workflow.createTime, workflow.finishTime)],
    ["inputs", oneLineJson(workflow.inputs)],
    ["error", error && `${error.kind}: ${error.message}`],
    ["output", oneLineJson(fromPayload(workflow.output))],
  ]);
  print("");
  print(table(nodeColumns, workflow.nodes));
}

const shownCharactersMax = 400;

function oneLineJson(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value) ?? "";
  if (text.length <= shownCharactersMax) return text;
  return `${text.slice(0, shownCharactersMax)}… (${text.length} characters; --output and --json have them all)`;
}

function showFacts(facts: readonly (readonly [string, string | undefined])[]): void {
  const present = facts.filter(([, value]) => value !== undefined && value !== "");
  const columns = Math.max(...present.map(([name]) => name.length));
  for (const [name, value = ""] of present)
    print(`${out.dim(name.padEnd(columns))}  ${name === "state" ? value : plainLine(value)}`);
}

/** The output as JSON; an error says on stderr why there is none. */
export function showOutput(ended: Task | Workflow): void {
  const output = fromPayload(ended.output);
  if (output instanceof Uint8Array) process.stdout.write(output);
  else if (output !== undefined) printJson(output);
  else note(`${ended.id} is ${stateName(ended.state)}: ${ended.error?.message || "it has no output"}`);
}

const nodeColumns: readonly Column<WorkflowNodeStatus>[] = [
  { head: "NODE", cell: (node) => node.name, paint: (cell) => out.bold(cell), least: 8 },
  {
    head: "STATE",
    cell: (node) => stateName(node.state),
    paint: (cell, node) => inStateColor(out, node.state, cell),
  },
  { head: "TOOK", cell: (node) => between(node.startTime, node.finishTime), right: true },
  { head: "TASK", cell: (node) => node.taskId || "-" },
  { head: "", cell: (node) => node.error?.message ?? node.progress?.message ?? "", least: 0 },
];

const taskColumns: readonly Column<Task>[] = [
  { head: "ID", cell: (task) => task.id },
  {
    head: "STATE",
    cell: (task) => stateName(task.state),
    paint: (cell, task) => inStateColor(out, task.state, cell),
  },
  { head: "CREATED", cell: (task) => ago(task.createTime), right: true },
  {
    head: "TOOK",
    cell: (task) => (task.finishTime ? between(task.startTime, task.finishTime) : "-"),
    right: true,
  },
  {
    head: "TITLE",
    cell: (task) => (task.error && task.error.kind !== "" ? task.error.message : task.spec?.title || ""),
    least: 4,
  },
];

/** A table of tasks. */
export function showTasks(tasks: readonly Task[]): void {
  if (tasks.length === 0) note("no tasks");
  else print(table(taskColumns, tasks));
}
