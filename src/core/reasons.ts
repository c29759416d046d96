/**
 * Every reason that an error of the mesh can carry: its gRPC code, what it means, and the way out.
 * docs/errors.md is checked against this table.
 */
/** The gRPC status names that the mesh answers with. */
export type ErrorCode =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS";

interface ReasonEntry {
  readonly code: ErrorCode;
  readonly meaning: string;
  readonly wayOut: string;
}

const table = {
  INVALID_FIELD: {
    code: "INVALID_ARGUMENT",
    meaning: "A field of the request is missing, malformed or out of range.",
    wayOut: "Mend the fields named in the message (and in google.rpc.BadRequest).",
  },
  INVALID_DEPENDENCY: {
    code: "INVALID_ARGUMENT",
    meaning: "A dependency names a task that does not exist, repeats another, or is the task itself.",
    wayOut: "Submit parents first, name each once.",
  },
  INVALID_WORKFLOW: {
    code: "INVALID_ARGUMENT",
    meaning: "A workflow's definition is wrong: an unknown field, an unknown node in `needs`, a cycle.",
    wayOut: "The message names the line or the path; mend the file.",
  },
  INVALID_POLICY: {
    code: "INVALID_ARGUMENT",
    meaning: "A traffic policy is wrong: an unknown field, a value out of bounds, a rule that it breaks.",
    wayOut:
      "The message names the line and the field; `agentmesh discovery check FILE` tells before it is live.",
  },
  INVALID_CONFIG: {
    code: "INVALID_ARGUMENT",
    meaning: "A setting is unknown or its value cannot be used.",
    wayOut: "docs/config.md lists every setting; the message suggests the nearest name.",
  },
  UNKNOWN_ROLE: {
    code: "INVALID_ARGUMENT",
    meaning: "No such role is in this mesh's list of roles.",
    wayOut: "`agentmesh roles` lists the names.",
  },
  PAYLOAD_TOO_LARGE: {
    code: "INVALID_ARGUMENT",
    meaning: "An input, an output or a log entry is over its limit.",
    wayOut: "Pass the address of the data in place of the data, or raise the limit named in the message.",
  },
  BODY_DAMAGED: {
    code: "DATA_LOSS",
    meaning: "A payload that is kept outside the queue's store is not there, or is not what was stored.",
    wayOut:
      "Bring the body store back to what it held, or submit the task again; docs/payloads.md says what keeps what.",
  },
  BATCH_TOO_LARGE: {
    code: "INVALID_ARGUMENT",
    meaning: "A request carries more items than one batch may.",
    wayOut: "Split it, or use SubmitStream.",
  },
  NOT_YET_SUPPORTED: {
    code: "UNIMPLEMENTED",
    meaning: "The contract has this RPC or field, and this version does not serve it yet.",
    wayOut: "docs/architecture.md lists what is still to come; leave the field unset.",
  },
  TASK_NOT_FOUND: {
    code: "NOT_FOUND",
    meaning: "No task has this id: it was never submitted, or its retention has ended.",
    wayOut: "`agentmesh list` shows the tasks that the store holds.",
  },
  WORKFLOW_NOT_FOUND: {
    code: "NOT_FOUND",
    meaning: "No workflow has this id: it was never run, or its retention has ended.",
    wayOut: "`agentmesh list --role orchestrator` shows the workflows that the store holds.",
  },
  IDEMPOTENCY_CONFLICT: {
    code: "ALREADY_EXISTS",
    meaning: "The idempotency key was used before, with another request.",
    wayOut: "Use a new key for a new request; the message names the task that has the key.",
  },
  LEASE_LOST: {
    code: "FAILED_PRECONDITION",
    meaning: "The lease's fence is stale: it expired, the task was canceled, or another worker holds it.",
    wayOut: "Stop working on the task; whoever holds the newer fence goes on.",
  },
  TASK_NOT_FINAL: {
    code: "FAILED_PRECONDITION",
    meaning: "Only a task that FAILED or was CANCELED can be retried.",
    wayOut: "Cancel it first, or wait for its end.",
  },
  TASK_FAILED: {
    code: "ABORTED",
    meaning: "The task whose result was asked for has failed.",
    wayOut: "The error's metadata has its kind; `agentmesh get ID` shows the whole.",
  },
  TASK_CANCELED: {
    code: "CANCELLED",
    meaning: "The task whose result was asked for was canceled.",
    wayOut: "Submit it again, or `agentmesh retry ID`.",
  },
  QUEUE_FULL: {
    code: "RESOURCE_EXHAUSTED",
    meaning: "The queue holds as many tasks as its limit allows.",
    wayOut: "Wait for it to drain, add workers, or raise the limit named in the message.",
  },
  STORE_FULL: {
    code: "RESOURCE_EXHAUSTED",
    meaning: "The store, or the body store, has no room left (Redis maxmemory, the disk, a bucket's quota).",
    wayOut: "Give it room or purge finished tasks; running tasks can still finish.",
  },
  REGISTRY_FULL: {
    code: "RESOURCE_EXHAUSTED",
    meaning: "The registry has as many instances as its limit allows.",
    wayOut: "Deregister instances that are gone, or wait until their time to live has run out.",
  },
  STORE_UNAVAILABLE: {
    code: "UNAVAILABLE",
    meaning: "The store, or the body store, cannot be reached; whether the call took effect is unknown.",
    wayOut: "Call again with the same idempotency key; check the store's address and that it runs.",
  },
  STORE_IN_USE: {
    code: "FAILED_PRECONDITION",
    meaning: "Another process owns this embedded store.",
    wayOut: "Stop it, or choose another --data-dir; several processes share Redis, or one server over gRPC.",
  },
  SERVER_UNREACHABLE: {
    code: "UNAVAILABLE",
    meaning: "No server answers at the address.",
    wayOut: "Start one with `agentmesh up`, or name its address with --server.",
  },
  NO_HEALTHY_REPLICA: {
    code: "UNAVAILABLE",
    meaning:
      "The control plane tells of no replica of the role that takes calls, or none of them can be reached.",
    wayOut: "`agentmesh discovery show ROLE` lists its replicas; start one, or check the role's name.",
  },
  NO_CONTROL_PLANE: {
    code: "UNIMPLEMENTED",
    meaning: "The server that was asked about discovery runs no control plane.",
    wayOut:
      "`agentmesh up` runs one, and so does `agentmesh serve --role discovery`; name its address with --server.",
  },
  DISCOVERY_NOT_READY: {
    code: "UNAVAILABLE",
    meaning: "The control plane has just started and has not read the list of replicas yet.",
    wayOut:
      "Ask again in a moment; if it stays so, the control plane's log says why its source cannot be read.",
  },
  SERVER_DRAINING: {
    code: "UNAVAILABLE",
    meaning: "The server is shutting down and takes no new work.",
    wayOut: "Call again: another replica, or this one when it is back.",
  },
  PORT_IN_USE: {
    code: "FAILED_PRECONDITION",
    meaning: "Another process listens on a port that the mesh needs.",
    wayOut: "Stop it, or choose other ports; the message names the setting.",
  },
  DEADLINE_EXCEEDED: {
    code: "DEADLINE_EXCEEDED",
    meaning: "The call did not end within its deadline.",
    wayOut: "Raise the deadline, or look at why the server is slow.",
  },
  CALL_CANCELED: {
    code: "CANCELLED",
    meaning: "The caller gave the call up.",
    wayOut: "Call again.",
  },
  REPOSITORY_NOT_FOUND: {
    code: "NOT_FOUND",
    meaning: "The path is not a directory that can be read.",
    wayOut: "Name an existing directory.",
  },
  SANDBOX_UNAVAILABLE: {
    code: "FAILED_PRECONDITION",
    meaning:
      "Commands cannot be contained on this machine: bubblewrap is missing or may not make namespaces.",
    wayOut: "Install bubblewrap, or allow uncontained commands with the flag that the message names.",
  },
  INTERNAL: {
    code: "INTERNAL",
    meaning: "A fault of the mesh itself.",
    wayOut: "The server's log has the cause; please report it.",
  },
} as const satisfies Record<string, ReasonEntry>;

export type Reason = keyof typeof table;

export const reasons: Readonly<Record<Reason, ReasonEntry>> = table;
