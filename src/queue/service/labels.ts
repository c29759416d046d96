/** Labels: those by which tasks are found again, and those that a worker has and a task asks for. */
import type { FieldCheck } from "../../core/check.ts";
import { limits } from "../../core/limits.ts";

type Labels = Readonly<Record<string, string>>;

export function checkLabels(check: FieldCheck, field: string, labels: Labels): void {
  const entries = Object.entries(labels);
  if (entries.length > limits.labelsMax)
    check.fault(field, `has ${entries.length} labels; at most ${limits.labelsMax} are allowed`);
  for (const [name, value] of entries) {
    check.line(`${field} (a name)`, name, limits.labelBytesMax, true);
    check.line(`${field}["${name}"]`, value, limits.labelBytesMax);
  }
}

/** As {@link checkLabels}; people and stores write them NAME=VALUE, so a name has no "=". */
export function checkWorkerLabels(check: FieldCheck, field: string, labels: Labels): void {
  checkLabels(check, field, labels);
  for (const name of Object.keys(labels))
    if (name.includes("=")) check.fault(`${field} (a name)`, `"${name}" has a "="`);
}
