/** What the process ends with, in one table; docs/cli.md shows it. */
import type { ErrorCode, MeshError } from "../core/errors.ts";

export const exitCodes = Object.freeze({
  ok: { code: 0, meaning: "Done. `demo` and `run` end so too when the review's own verdict is `fail`." },
  failed: {
    code: 1,
    meaning:
      "The task or the workflow failed, was canceled or lost a payload; `doctor` found a fault; `simulate` missed its goal.",
  },
  invalid: { code: 2, meaning: "The command line, an input, a file or a setting is wrong." },
  unavailable: { code: 3, meaning: "No server or store answers, or not in time; try again later." },
  notFound: { code: 4, meaning: "The task, the workflow or the directory does not exist." },
  conflict: {
    code: 5,
    meaning: "What is there forbids it: a port or a store in use, a key used before, a full queue.",
  },
  fault: { code: 70, meaning: "A fault of agentmesh itself." },
  interrupted: { code: 130, meaning: "Ctrl-C, or SIGTERM, before the end." },
});

export type Ending = keyof typeof exitCodes;

const endingOfCode: Readonly<Record<ErrorCode, Ending>> = {
  CANCELLED: "interrupted",
  UNKNOWN: "fault",
  INVALID_ARGUMENT: "invalid",
  DEADLINE_EXCEEDED: "unavailable",
  NOT_FOUND: "notFound",
  ALREADY_EXISTS: "conflict",
  RESOURCE_EXHAUSTED: "conflict",
  FAILED_PRECONDITION: "conflict",
  ABORTED: "failed",
  UNIMPLEMENTED: "invalid",
  INTERNAL: "fault",
  UNAVAILABLE: "unavailable",
  DATA_LOSS: "failed",
};

export function endingOf(error: MeshError): Ending {
  return error.reason === "TASK_CANCELED" ? "failed" : endingOfCode[error.code];
}

/** The process ends so once nothing is left to do. */
export function endWith(ending: Ending): void {
  process.exitCode = exitCodes[ending].code;
}
