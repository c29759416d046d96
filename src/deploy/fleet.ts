/** The fleet as it is deployed: which roles there are, and what each replica of them needs. */
import type { Role } from "../agent/role.ts";
import type { ScaleSettings } from "../scaling/decide.ts";

export interface FleetRole {
  readonly name: string;
  readonly scale: ScaleSettings;
  /** GPUs of each replica; 0: none. */
  readonly gpus: number;
}

/**
 * Roles of the house whose module is not among those that are shipped: whoever adds one finds its scale here, and the module's own
 * counts from then on.
 */
const planned: readonly FleetRole[] = Object.freeze([
  // Each has a model's session and a working copy in memory.
  { name: "coding", scale: { min: 5, max: 100, tasksPerReplica: 2 }, gpus: 0 },
  { name: "compliance", scale: { min: 4, max: 100, tasksPerReplica: 4 }, gpus: 0 },
  { name: "documentation", scale: { min: 3, max: 50, tasksPerReplica: 4 }, gpus: 0 },
  // A replica fills its GPU with a batch of eight; GPUs cost too much to stand idle by the dozen.
  { name: "inference", scale: { min: 1, max: 16, tasksPerReplica: 8 }, gpus: 1 },
]);

/** Those of the list of roles, then those that are planned, by name. */
export function fleetOf(roles: readonly Role[]): readonly FleetRole[] {
  const shipped = roles.map(({ name, scale }) => ({ name, scale, gpus: 0 }));
  const names = new Set(shipped.map(({ name }) => name));
  const all = [...shipped, ...planned.filter(({ name }) => !names.has(name))];
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}
