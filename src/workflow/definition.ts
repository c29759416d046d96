/** A workflow's YAML: its schema, and faults told with their line. */
import { distance } from "fastest-levenshtein";
import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { Dependency_Condition } from "../../gen/grpc/agentmesh/v1/task.ts";
import { WorkflowSpec } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { type FieldViolation, MeshError } from "../core/errors.ts";
import { msToDuration } from "../core/time.ts";

const Retry = z.strictObject({
  /** Attempts in all, the first included. */
  attempts: z.int().min(1).max(100).optional(),
  backoffSeconds: z.number().min(0).optional(),
  backoffMaxSeconds: z.number().min(0).optional(),
  notRetried: z.array(z.string()).optional(),
});

const Node = z.strictObject({
  role: z.string(),
  title: z.string().optional(),
  needs: z.array(z.string()).optional(),
  input: z.record(z.string(), z.unknown()).optional(),
  runOnFailure: z.boolean().optional(),
  priority: z.int().min(0).max(9).optional(),
  retry: Retry.optional(),
});

/** What a workflow file may hold. */
export const WorkflowDefinition = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  nodes: z.record(z.string(), Node),
  output: z.string().optional(),
});

/** The spec in a YAML text. Throws INVALID_WORKFLOW that names the file, the line and the field of each fault. */
export function parseWorkflow(text: string, file: string): WorkflowSpec {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const broken = document.errors.map((error) => ({
    field: `${file}:${error.linePos?.[0].line ?? 1}`,
    description: error.message.split("\n")[0] ?? "",
  }));
  if (broken.length > 0) throw MeshError.invalid(broken, "INVALID_WORKFLOW");
  const parsed = WorkflowDefinition.safeParse(document.toJS());
  if (parsed.success) return specOf(parsed.data);
  const lineOf = (path: readonly PropertyKey[]): number => {
    const node = document.getIn(path.map(String), true) as { range?: [number, number, number] } | undefined;
    return node?.range
      ? lines.linePos(node.range[0]).line
      : path.length === 0
        ? 1
        : lineOf(path.slice(0, -1));
  };
  const faults = parsed.error.issues.flatMap((issue): FieldViolation[] => {
    if (issue.code !== "unrecognized_keys")
      return [
        {
          field: `${file}:${lineOf(issue.path)}`,
          description: `${issue.path.join(".") || "the file"}: ${issue.message}`,
        },
      ];
    return issue.keys.map((key) => ({
      field: `${file}:${lineOf([...issue.path, key])}`,
      description: `${[...issue.path, key].join(".")}: unknown field; ${suggestion(key, issue.path)}`,
    }));
  });
  throw MeshError.invalid(faults, "INVALID_WORKFLOW");
}

/** The names that may stand where `key` does, the nearest first. */
function suggestion(key: string, path: readonly PropertyKey[]): string {
  const shape =
    path.length === 0 ? WorkflowDefinition.shape : path.at(-1) === "retry" ? Retry.shape : Node.shape;
  const names = Object.keys(shape).sort((a, b) => distance(a, key) - distance(b, key));
  const nearest = names[0] ?? "";
  const hint = distance(nearest, key) <= 3 ? `did you mean "${nearest}"? ` : "";
  return `${hint}known are ${names.join(", ")}`;
}

function specOf(definition: z.infer<typeof WorkflowDefinition>): WorkflowSpec {
  const nodes = Object.entries(definition.nodes).map(([name, { retry, runOnFailure, ...node }]) => [
    name,
    {
      ...node,
      needsCondition: runOnFailure ? Dependency_Condition.FINISHED : Dependency_Condition.SUCCEEDED,
      retry: retry && retryOf(retry),
    },
  ]);
  return WorkflowSpec.fromPartial({ ...definition, nodes: Object.fromEntries(nodes) });
}

function retryOf(retry: z.infer<typeof Retry>): object {
  const { attempts, backoffSeconds, backoffMaxSeconds, notRetried } = retry;
  const duration = (seconds: number | undefined) =>
    seconds === undefined ? undefined : msToDuration(seconds * 1_000);
  return {
    attemptsMax: attempts ?? 0,
    backoffInitial: duration(backoffSeconds),
    backoffMax: duration(backoffMaxSeconds),
    errorsNotRetried: notRetried ?? [],
  };
}
