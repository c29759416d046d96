/** The one place where what ioredis and Redis throw becomes a MeshError. */
import { MeshError } from "../../core/errors.ts";

/** Answers of a server that works, but not for us or not now; a call may succeed a little later, or elsewhere. */
const unavailable =
  /^(READONLY|LOADING|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|MASTERDOWN|NOREPLICAS|BUSY|NOAUTH|WRONGPASS|NOPERM)\b/;

const hints: Readonly<Record<string, string>> = {
  MOVED: " (the address is a node of a Redis Cluster)",
  ASK: " (the queue is being moved to another node of the cluster, and is served again when that is done)",
  READONLY: " (the address is a replica)",
};

/** `address` has no credentials. */
export function storeError(thrown: unknown, address: string): MeshError {
  if (thrown instanceof MeshError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const options = { cause: thrown, metadata: { address } };
  if (isFull(message))
    return new MeshError("STORE_FULL", `Redis at ${address} has no room: ${message}`, options);
  const word = unavailable.exec(message)?.[1];
  if (word === undefined && thrown instanceof Error && thrown.name === "ReplyError")
    return new MeshError("INTERNAL", `Redis at ${address} refused a command: ${message}`, options);
  const hint = hints[word ?? ""] ?? "";
  return new MeshError(
    "STORE_UNAVAILABLE",
    `Redis at ${address} is not available: ${message}${hint}`,
    options,
  );
}

/** Over maxmemory, or unable to write to its disk; nothing was done. */
function isFull(message: string): boolean {
  return message.startsWith("OOM ") || message.startsWith("MISCONF ");
}

/** The error of a batch of which some calls failed: only where each was refused for want of room was nothing done. */
export function batchError(failures: readonly unknown[], calls: number): unknown {
  const full = failures.filter((failure) => failure instanceof MeshError && failure.reason === "STORE_FULL");
  if (full.length < failures.length) return failures.find((failure) => !full.includes(failure));
  if (failures.length === calls) return failures[0];
  const message = `a part of the batch was done: ${(failures[0] as MeshError).message}`;
  return new MeshError("STORE_UNAVAILABLE", message, { cause: failures[0] });
}
