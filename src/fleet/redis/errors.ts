/** The one place where what Redis and its client throw at the registry becomes a MeshError. */
import { MeshError } from "../../core/errors.ts";

/** Answers of a server that works, but not for us or not now. */
const unavailable =
  /^(READONLY|LOADING|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|MASTERDOWN|NOREPLICAS|BUSY|NOAUTH|WRONGPASS|NOPERM)\b/;

/** `address` has no credentials. */
export function registryError(thrown: unknown, address: string): MeshError {
  if (thrown instanceof MeshError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const options = { cause: thrown, metadata: { address } };
  if (/^(OOM|MISCONF) /.test(message))
    return new MeshError("STORE_FULL", `Redis at ${address} has no room: ${message}`, options);
  if (thrown instanceof Error && thrown.name === "ReplyError" && !unavailable.test(message))
    return new MeshError("INTERNAL", `Redis at ${address} refused a command: ${message}`, options);
  return new MeshError(
    "STORE_UNAVAILABLE",
    `the registry in ${address} is not available: ${message}`,
    options,
  );
}
