/** An error as its one clear line on stderr, with the way out, and the process' exit code. */
import { CommanderError } from "commander";
import { MeshError } from "../core/errors.ts";
import { type Reason, reasons } from "../core/reasons.ts";
import { redactUrls } from "../core/redact.ts";
import { endingOf, endWith } from "./exit-codes.ts";
import { err, note } from "./output.ts";
import { plainLine } from "./terminal-text.ts";
import { UnopenedStore } from "./unopened-store.ts";

/** Reasons whose message says the way out already, in the words of the case. */
const saysItself: ReadonlySet<Reason> = new Set([
  "INVALID_FIELD",
  "INVALID_WORKFLOW",
  "INVALID_CONFIG",
  "PAYLOAD_TOO_LARGE",
  "PORT_IN_USE",
  "STORE_IN_USE",
  "REPOSITORY_NOT_FOUND",
]);

/** `verbose`: with the stack and the causes. */
export function reportError(thrown: unknown, verbose: boolean): void {
  if (thrown instanceof CommanderError) {
    endWith(thrown.exitCode === 0 ? "ok" : "invalid");
    return;
  }
  const error = MeshError.from(thrown);
  const unknown = error.reason === "INTERNAL" && !(thrown instanceof MeshError);
  note(`${err.red("error:")} ${messageOf(error)}`);
  if (unknown) note(err.dim("       a fault of agentmesh itself; --verbose shows where. Please report it."));
  else if (!saysItself.has(error.reason)) note(err.dim(`       ${wayOutOf(error)}`));
  if (verbose) note(err.dim(stackOf(thrown)));
  endWith(endingOf(error));
}

function wayOutOf(error: MeshError): string {
  return error instanceof UnopenedStore ? error.wayOut : reasons[error.reason].wayOut;
}

function messageOf(error: MeshError): string {
  // What grpc-js adds in brackets names ports and retries that nobody asked for; --verbose has it.
  const text = error.reason === "SERVER_UNREACHABLE" ? error.message.replace(/ \(.*\)$/s, "") : error.message;
  return redactUrls(text.split("\n").map(plainLine).join("\n"));
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return redactUrls(String(thrown));
  const cause = thrown.cause === undefined ? "" : `\ncaused by: ${stackOf(thrown.cause)}`;
  return redactUrls(thrown.stack ?? thrown.message) + cause;
}
