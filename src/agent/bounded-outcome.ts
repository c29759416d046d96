/** An output that the mesh would refuse is a failure of the role, and said to be one. */
import { Payload } from "../../gen/grpc/agentmesh/v1/payload.ts";
import type { TaskOutcome } from "../../gen/grpc/agentmesh/v1/worker.ts";
import { encoded } from "../core/encode.ts";
import { terminal } from "./failure.ts";

export function bounded(outcome: TaskOutcome, payloadBytesMax: number): TaskOutcome {
  const { what, payload } = payloadOf(outcome.result);
  const bytes = payload ? encoded(Payload, payload).length : 0;
  if (bytes <= payloadBytesMax) return outcome;
  const message = `the ${what} has ${bytes} bytes; at most ${payloadBytesMax} are allowed (payload.maxBytes, payload.bodyBytesMax)`;
  const { error } = terminal("OUTPUT_TOO_LARGE", message);
  return { ...outcome, result: { $case: "failed", value: { error, retryDelay: undefined } } };
}

function payloadOf(result: TaskOutcome["result"]): { what: string; payload: Payload | undefined } {
  if (result?.$case === "succeeded") return { what: "output", payload: result.value.output };
  if (result?.$case === "suspended") return { what: "state", payload: result.value.state };
  return { what: "", payload: undefined };
}
