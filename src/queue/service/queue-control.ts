/** The RPCs of TaskService that see to whole queues: their counts, pausing, policies, purging, putting back what failed. */
import {
  type ConfigureQueueRequest,
  type PauseQueueRequest,
  type PurgeQueueRequest,
  type QueueStatus,
  type TaskServiceServer,
  TaskState,
} from "../../../gen/grpc/agentmesh/v1/task.ts";
import type { HandlersOf } from "../../core/call.ts";
import { FieldCheck } from "../../core/check.ts";
import { limits } from "../../core/limits.ts";
import type { QueueChange } from "../store.ts";
import type { TaskState as StateName } from "../task.ts";
import { roleOf } from "./catalog.ts";
import { queueStatusOf } from "./convert.ts";
import { policyOf } from "./policy-messages.ts";
import { purge } from "./purge.ts";
import { redrive } from "./redrive.ts";
import { stateName } from "./state-name.ts";
import type { TaskServiceOptions } from "./task-service-options.ts";

type Control = Pick<
  HandlersOf<TaskServiceServer>,
  "listQueues" | "pauseQueue" | "resumeQueue" | "purgeQueue" | "configureQueue" | "redriveQueue"
>;

export function queueControl(options: TaskServiceOptions): Control {
  const { queue, catalog, clock } = options;
  const statuses = async (roles: readonly string[]): Promise<QueueStatus[]> => {
    const stats = await queue.stats(roles);
    return stats.map((entry) => queueStatusOf(entry, queue.rates.ratesOf(entry), clock.now()));
  };
  const change = async (one: QueueChange): Promise<{ queue: QueueStatus | undefined }> => {
    await queue.configure([one]);
    const [status] = await statuses([one.queue]);
    return { queue: status };
  };

  return {
    async listQueues({ roles }) {
      for (const [index, role] of roles.entries()) roleOf(catalog, `roles[${index}]`, role);
      return { queues: await statuses(roles.length > 0 ? roles : [...catalog.keys()]) };
    },

    pauseQueue: async (request) => {
      roleOf(catalog, "role", request.role);
      return change({ queue: request.role, pause: pauseReasonOf(request) });
    },

    resumeQueue: async ({ role }) => {
      roleOf(catalog, "role", role);
      return change({ queue: role, pause: null });
    },

    configureQueue: async (request) => {
      roleOf(catalog, "role", request.role);
      return change({ queue: request.role, policy: policyChangeOf(request) });
    },

    async purgeQueue(request, call) {
      roleOf(catalog, "role", request.role);
      const { role, deadLetter } = request;
      return {
        purged: await purge(queue, { role, deadLetter, states: purgedStatesOf(request) }, call.signal),
      };
    },

    async redriveQueue(request, call) {
      roleOf(catalog, "role", request.role);
      const check = new FieldCheck();
      if (request.tasksMax !== 0) check.whole("tasks_max", request.tasksMax, 1, limits.redriveMax);
      check.done();
      return redrive(queue, request, options, call.signal);
    },
  };
}

/** "by ACTOR: REASON", or the one of them that is given. */
function pauseReasonOf({ reason, actor }: PauseQueueRequest): string {
  const check = new FieldCheck();
  check.line("reason", reason, limits.reasonBytesMax);
  check.line("actor", actor, limits.actorBytesMax);
  check.done();
  if (actor === "") return reason;
  return reason === "" ? `by ${actor}` : `by ${actor}: ${reason}`;
}

/** Null: back to the role's own. */
function policyChangeOf({ change }: ConfigureQueueRequest): QueueChange["policy"] {
  const check = new FieldCheck();
  if (change === undefined) check.fault("policy", "is required, or reset");
  if (change?.$case === "reset" && !change.value)
    check.fault("reset", "is false; leave it unset, or set a policy");
  const policy = change?.$case === "policy" ? policyOf(check, "policy", change.value) : null;
  check.done();
  return policy;
}

function purgedStatesOf({ states, deadLetter }: PurgeQueueRequest): StateName[] {
  const check = new FieldCheck();
  if (states.length === 0 && !deadLetter)
    check.fault("states", "is empty; name one at least, or set dead_letter");
  for (const [index, state] of states.entries())
    if (state === TaskState.RUNNING)
      check.fault(`states[${index}]`, "RUNNING tasks are not purged; cancel them first");
  check.done();
  return states.map(stateName);
}
