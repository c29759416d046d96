/** The shape of a workflow: what its nodes need, in which order they stand, and what is wrong with them. Pure. */
import type { WorkflowSpec } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import type { FieldViolation } from "../core/errors.ts";
import { rolePattern } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import { type Catalog, unknownRole } from "../queue/service/catalog.ts";
import { TemplateFault, templateReferences } from "../queue/service/template.ts";

/** The root of templates that read the workflow's inputs. */
export const inputsRoot = "inputs";

/** Nodes with every node after those it needs; those of one rank by name. Only for a graph without a cycle. */
export function topological(
  nodes: Readonly<Record<string, { readonly needs: readonly string[] }>>,
): string[] {
  const done = new Set<string>();
  const order: string[] = [];
  const visit = (name: string): void => {
    if (done.has(name)) return;
    done.add(name);
    for (const need of [...(nodes[name]?.needs ?? [])].sort()) visit(need);
    order.push(name);
  };
  for (const name of Object.keys(nodes).sort()) visit(name);
  return order;
}

/** A cycle as the names along it, the first repeated at the end; undefined where there is none. */
export function findCycle(
  nodes: Readonly<Record<string, { readonly needs: readonly string[] }>>,
): string[] | undefined {
  const settled = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): string[] | undefined => {
    const at = path.indexOf(name);
    if (at >= 0) return [...path.slice(at), name];
    if (settled.has(name)) return undefined;
    path.push(name);
    for (const need of nodes[name]?.needs ?? []) {
      const cycle = visit(need);
      if (cycle) return cycle;
    }
    path.pop();
    settled.add(name);
    return undefined;
  };
  for (const name of Object.keys(nodes)) {
    const cycle = visit(name);
    if (cycle) return cycle;
  }
  return undefined;
}

/** Every fault of a workflow; empty when it can run. */
export function workflowFaults(spec: WorkflowSpec, catalog: Catalog): FieldViolation[] {
  const faults: FieldViolation[] = [];
  const fault = (field: string, description: string) => void faults.push({ field, description });
  const names = Object.keys(spec.nodes);
  if (!rolePattern.test(spec.name))
    fault("name", `"${spec.name}": use lower-case letters, digits and dashes, 48 at most`);
  if (names.length === 0) fault("nodes", "a workflow needs at least one node");
  if (names.length > limits.workflowNodesMax)
    fault("nodes", `has ${names.length}; at most ${limits.workflowNodesMax} are allowed`);
  if (spec.output !== "" && !Object.hasOwn(spec.nodes, spec.output))
    fault("output", `there is no node "${spec.output}"`);
  for (const name of names) nodeFaults(spec, name, catalog, fault);
  const cycle = findCycle(spec.nodes);
  if (cycle) fault("nodes", `a cycle: ${cycle.join(" -> ")}`);
  return faults;
}

function nodeFaults(
  spec: WorkflowSpec,
  name: string,
  catalog: Catalog,
  fault: (field: string, description: string) => void,
): void {
  const node = spec.nodes[name];
  const at = `nodes.${name}`;
  if (!node) return;
  if (!rolePattern.test(name) || name === inputsRoot)
    fault(at, `use lower-case letters, digits and dashes, 48 at most, and not "${inputsRoot}"`);
  const wrongRole = unknownRole(catalog, node.role);
  if (wrongRole) fault(`${at}.role`, wrongRole);
  for (const [index, need] of node.needs.entries()) {
    if (!Object.hasOwn(spec.nodes, need))
      fault(
        `${at}.needs[${index}]`,
        `there is no node "${need}"; there are ${Object.keys(spec.nodes).join(", ")}`,
      );
    if (node.needs.indexOf(need) !== index) fault(`${at}.needs[${index}]`, `"${need}" is named twice`);
  }
  for (const [field, set] of Object.entries({
    condition: node.condition !== "",
    for_each: node.forEach !== "",
    approval: node.approval !== undefined,
    worker_labels: Object.keys(node.workerLabels).length > 0,
    timeouts: node.timeouts !== undefined,
  }))
    if (set) fault(`${at}.${field}`, "is not served by this version; leave it out");
  templateFaults(spec, name, fault);
}

function templateFaults(
  spec: WorkflowSpec,
  name: string,
  fault: (field: string, description: string) => void,
): void {
  const node = spec.nodes[name];
  try {
    for (const { root, text, path } of templateReferences(node?.input ?? {})) {
      if (root === inputsRoot) {
        const input = text.split(".")[1];
        if (input === undefined || !Object.hasOwn(spec.inputs ?? {}, input))
          fault(`nodes.${name}.${path}`, `\${{ ${text} }}: the workflow declares no input "${input ?? ""}"`);
      } else if (!node?.needs.includes(root)) {
        const why = Object.hasOwn(spec.nodes, root) ? `add "${root}" to needs` : `there is no node "${root}"`;
        fault(`nodes.${name}.${path}`, `\${{ ${text} }}: ${why}`);
      }
    }
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    fault(`nodes.${name}`, error.message);
  }
}
