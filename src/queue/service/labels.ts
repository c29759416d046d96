/** The labels that a worker has and a task asks for. */
import type { FieldCheck } from "../../core/check.ts";

type Labels = Readonly<Record<string, string>>;

/** As all labels, but people and stores write these NAME=VALUE, so a name has no "=". */
export function checkWorkerLabels(check: FieldCheck, field: string, labels: Labels): void {
  check.labels(field, labels);
  for (const name in labels) if (name.includes("=")) check.fault(`${field} (a name)`, `"${name}" has a "="`);
}
