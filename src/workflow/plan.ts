/** From a checked workflow to the tasks that carry it out. Pure: the same workflow id gives the same tasks. */
import { Dependency_Condition, TaskSpec } from "../../gen/grpc/agentmesh/v1/task.ts";
import type { WorkflowSpec } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import type { FieldViolation } from "../core/errors.ts";
import { keyedTaskId } from "../core/ids.ts";
import { toPayload } from "../core/payload.ts";
import { renderTemplates, templateReferences } from "../queue/service/template.ts";
import { inputsRoot, topological } from "./dag.ts";

/** The role whose queue holds workflows themselves. */
export const orchestratorRole = "orchestrator";

/** The key that makes a node's submit idempotent, however often the orchestrator begins anew. */
function nodeKey(workflowId: string, node: string): string {
  return `${workflowId}/${node}`;
}

/** The id that a node's task has. */
export function nodeTaskId(workflowId: string, node: string, role: string, tenant: string): string {
  return keyedTaskId(role, tenant, nodeKey(workflowId, node));
}

/** Faults of the values given for a workflow's inputs. */
export function inputFaults(spec: WorkflowSpec, inputs: Readonly<Record<string, unknown>>): FieldViolation[] {
  const declared = spec.inputs ?? {};
  const known = Object.keys(declared).join(", ") || "none";
  const unknown = Object.keys(inputs)
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => ({
      field: `inputs.${name}`,
      description: `workflow ${spec.name} has no such input; it has ${known}`,
    }));
  const missing = Object.entries(declared)
    .filter(([name, fallback]) => fallback === null && (inputs[name] ?? null) === null)
    .map(([name]) => ({ field: `inputs.${name}`, description: "is required" }));
  return [...unknown, ...missing];
}

/** One task spec a node, parents first. */
export function planTasks(
  workflowId: string,
  tenant: string,
  spec: WorkflowSpec,
  inputs: Readonly<Record<string, unknown>>,
): { readonly node: string; readonly spec: TaskSpec }[] {
  const scope = { [inputsRoot]: { ...spec.inputs, ...inputs } };
  return topological(spec.nodes).map((name) => {
    const node = spec.nodes[name];
    if (!node) throw new TypeError(`no node ${name}`);
    const condition = node.needsCondition || Dependency_Condition.SUCCEEDED;
    const input = renderTemplates(node.input ?? {}, scope, (root) => root === inputsRoot);
    return {
      node: name,
      spec: TaskSpec.fromPartial({
        role: node.role,
        tenant,
        priority: node.priority,
        idempotencyKey: nodeKey(workflowId, name),
        input: toPayload(input),
        renderInput: templateReferences(input).length > 0,
        retry: node.retry,
        dependencies: node.needs.map((need) => ({
          taskId: nodeTaskId(workflowId, need, spec.nodes[need]?.role ?? "", tenant),
          name: need,
          condition,
        })),
        workflowId,
        workflowNode: name,
        title: node.title || name,
      }),
    };
  });
}
