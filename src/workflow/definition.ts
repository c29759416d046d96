/** A workflow's YAML: its schema, and faults told with their line. */
import { z } from "zod";
import { Dependency_Condition } from "../../gen/grpc/agentmesh/v1/task.ts";
import { WorkflowSpec } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { msToDuration } from "../core/time.ts";
import { readYaml } from "../core/yaml.ts";

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
  return specOf(readYaml({ text, file, schema: WorkflowDefinition, reason: "INVALID_WORKFLOW" }));
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
