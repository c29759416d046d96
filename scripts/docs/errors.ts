/** Renders docs/errors.md from the table of reasons and, below, the kinds of failure that the mesh itself gives a task. */
import { type Reason, reasons } from "../../src/core/reasons.ts";
import { generated, table } from "./markdown.ts";

interface FailureKind {
  readonly kind: string;
  readonly meaning: string;
  readonly retried: string;
}

/** A role's own kinds stand in its summary; these can end a task of any role. */
const failureKinds: readonly FailureKind[] = [
  {
    kind: "ROLE_ERROR",
    meaning: "The role threw an error that is neither a TerminalError nor a RetryableError.",
    retried: "by the task's retry policy",
  },
  {
    kind: "INVALID_INPUT",
    meaning: "The input does not fit the role's schema; the message names the path in it.",
    retried: "no: the same input stays wrong",
  },
  {
    kind: "INVALID_OUTPUT",
    meaning: "What the role answered does not fit its own schema: a fault of the role.",
    retried: "no",
  },
  {
    kind: "OUTPUT_TOO_LARGE",
    meaning: "The output is over `payload.bodyBytesMax`, or over `payload.maxBytes` where none is offloaded.",
    retried: "no: pass the address of the data in place of the data",
  },
  {
    kind: "LEASE_EXPIRED",
    meaning: "The worker died, was cut off, or stopped renewing its lease.",
    retried: "at once, and the attempt counts",
  },
  {
    kind: "START_TIMEOUT",
    meaning: "No worker took the task within its timeout to start.",
    retried: "no: `agentmesh redrive` or RetryTask puts it back",
  },
  {
    kind: "FINISH_TIMEOUT",
    meaning: "The attempt ran longer than the task's timeout to finish.",
    retried: "by the task's retry policy",
  },
  {
    kind: "HEARTBEAT_TIMEOUT",
    meaning: "The handler logged nothing and told no progress within the task's heartbeat timeout.",
    retried: "by the task's retry policy",
  },
  {
    kind: "PARENT_FAILED",
    meaning: "A parent that had to succeed failed, was canceled, or does not exist any more.",
    retried: "no: retry the parent, then the task",
  },
  {
    kind: "TEMPLATE_ERROR",
    meaning: "A `{{…}}` of the input names what the parents' outputs do not have.",
    retried: "no: the parents' outputs do not change",
  },
  {
    kind: "BODY_DAMAGED",
    meaning:
      "The input, a parent's output or the resume state is gone from the body store, or is not what was stored.",
    retried: "no: it stays lost",
  },
  {
    kind: "NODE_FAILED",
    meaning: "A node of the workflow did not succeed; the message names it.",
    retried: "no: retry the node's task",
  },
  {
    kind: "NO_MESH",
    meaning: "`runRole`, which tests a role without a server, was given no answer for `task.call`.",
    retried: "no: pass `call` to `runRole`",
  },
];

/** Kinds that this page lists. */
export const failureKindNames: readonly string[] = failureKinds.map(({ kind }) => kind);

/** The whole page. */
export function errorsPage(): string {
  const reasonRows = (Object.keys(reasons) as Reason[]).map((reason) => {
    const { code, meaning, wayOut } = reasons[reason];
    return [`\`${reason}\``, code, meaning, wayOut];
  });
  const kindRows = failureKinds.map(({ kind, meaning, retried }) => [`\`${kind}\``, meaning, retried]);
  return `# Errors

${generated("src/core/reasons.ts and scripts/docs/errors.ts")}

## Errors of calls

Every error of an RPC carries a gRPC code and a google.rpc.ErrorInfo of the domain \`agentmesh\` whose reason is one of these;
where fields are at fault, a google.rpc.BadRequest names each. The CLI prints the reason and the way out.

${table(["reason", "gRPC code", "meaning", "way out"], reasonRows)}

## Errors of tasks

A task that FAILED has an error with a kind. A role chooses kinds of its own, in UPPER_SNAKE_CASE: \`throw new
TerminalError("NO_TEST_RUNNER", "…")\` ends the task, \`throw new RetryableError("RATE_LIMITED", "…", { delayMs: 2000 })\` has
it tried again. A task's retry policy can name kinds that are not tried again. These are the mesh's own:

${table(["kind", "meaning", "tried again"], kindRows)}

A call inside a role that fails and is not caught ends the attempt with the call's reason as its kind, such as
\`TASK_FAILED\`, \`UNKNOWN_ROLE\` or \`STORE_UNAVAILABLE\` from the first table; it is tried again where its gRPC code is
UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNKNOWN or INTERNAL. A task that was canceled has the state CANCELED.
`;
}
