/** A workflow by its name in the library, or from a file. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { distance } from "fastest-levenshtein";
import type { WorkflowSpec } from "../../gen/grpc/agentmesh/v1/workflow.ts";
import { MeshError } from "../core/errors.ts";
import { parseWorkflow } from "../workflow/definition.ts";

const library = join(import.meta.dirname, "../workflow/library");

/** Names that {@link loadWorkflow} knows without a file. */
function libraryNames(): string[] {
  return readdirSync(library)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => basename(file, ".yaml"));
}

/** Throws INVALID_WORKFLOW that names the file, the line and the field of each fault. */
export function loadWorkflow(nameOrFile: string): WorkflowSpec {
  const named = /^[a-z0-9-]+$/.test(nameOrFile) && !existsSync(nameOrFile);
  if (!named) return parseWorkflow(readWorkflow(nameOrFile), nameOrFile);
  if (!libraryNames().includes(nameOrFile)) throw unknownName(nameOrFile);
  return parseWorkflow(readFileSync(join(library, `${nameOrFile}.yaml`), "utf8"), `${nameOrFile}.yaml`);
}

function readWorkflow(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : (error as Error).message;
    throw MeshError.invalid([{ field: file, description: why }], "INVALID_WORKFLOW");
  }
}

function unknownName(name: string): MeshError {
  const names = libraryNames();
  const near = names.find((one) => distance(one, name) <= 2);
  const hint = near === undefined ? "" : `did you mean "${near}"? `;
  const description = `is neither a workflow of the library nor a file. ${hint}The library has ${names.join(", ")}`;
  return MeshError.invalid([{ field: name, description }], "INVALID_WORKFLOW");
}
