/** Carries workflows out: each is a task of this role; see `workflow/orchestrate.ts`. */
import { z } from "zod";
import { defineRole } from "../../agent/role.ts";
import { orchestrate, WorkflowRun } from "../../workflow/orchestrate.ts";

export default defineRole({
  name: "orchestrator",
  summary: "Carries workflows out: submits their nodes, gathers what they answer",
  input: WorkflowRun,
  output: z.unknown(),
  // A run only submits or gathers; between the two a workflow holds no slot.
  concurrency: 32,
  retry: { attempts: 10 },
  scale: { min: 3, max: 20, tasksPerReplica: 32 },
  run: orchestrate,
});
