/** A service of the contract that this version does not serve: each call says so. */
import type { ServiceDefinition } from "@grpc/grpc-js";
import { MeshError } from "../core/errors.ts";

/** Handlers for every method of `definition` that answer UNIMPLEMENTED, NOT_YET_SUPPORTED. */
export function unservedService(
  definition: ServiceDefinition,
): Record<string, (...args: unknown[]) => unknown> {
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => {
      const rpc = method.path.slice(1);
      const refuse = () => {
        throw new MeshError(
          "NOT_YET_SUPPORTED",
          `${rpc} is in the contract and is not served by this version yet`,
        );
      };
      // biome-ignore lint/correctness/useYield: the stream's only event is its error
      const refuseStream = async function* () {
        refuse();
      };
      return [name, method.responseStream ? refuseStream : async () => refuse()];
    }),
  );
}
