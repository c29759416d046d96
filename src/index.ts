/** What the package gives to programs: a role's author, a client, and the errors that both meet. */

export type {
  CallOptions,
  LogLevel,
  RetrySettings,
  Role,
  RoleDefinition,
  TaskContext,
  TaskUsage,
} from "./agent/role.ts";
export { defineRole } from "./agent/role.ts";
export type { LimitSettings } from "./agent/role-limits.ts";
export { type RoleRun, type RunRoleOptions, runRole } from "./agent/run-role.ts";
export {
  MeshClient,
  type MeshClientOptions,
  type WaitOptions,
} from "./client/mesh-client.ts";
export type { PolicyParts, PurgeFilter, QueueControl, RedriveOptions } from "./client/queue-control.ts";
export type { SubmitOptions } from "./client/submission.ts";
export { MeshError, RetryableError, TerminalError } from "./core/errors.ts";
export type { Timeouts } from "./queue/task.ts";
export type { ScaleSettings } from "./scaling/decide.ts";
export { type ClientMetrics, createClientMetrics } from "./telemetry/client-metrics.ts";
export { parseWorkflow } from "./workflow/definition.ts";
