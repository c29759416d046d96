/** The body store: whether payloads that are too large for the store have a place. */

import { MeshError } from "../../core/errors.ts";
import { reasons } from "../../core/reasons.ts";
import { addressOfBodies, bodiesNamedBy, openBodies } from "../open-bodies.ts";
import { directoryFault } from "../usable-directory.ts";
import { type Check, type Finding, fail, ok } from "./check.ts";

export const checkBodies: Check = async ({ loaded: { config } }): Promise<readonly Finding[]> => {
  const { offloadBytes, bodyBytesMax, maxBytes } = config.payload;
  const what =
    offloadBytes === 0
      ? `no payload is kept here (payload.offloadBytes is 0); over ${maxBytes} bytes they are refused`
      : `payloads of ${Math.min(offloadBytes, maxBytes) + 1} to ${bodyBytesMax} bytes`;
  const address = addressOfBodies(config);
  if (address.kind === "directory") {
    // Looking must not make a directory that nobody asked for.
    const why = directoryFault(address.directory);
    if (why === undefined) return [ok("bodies", `${address.directory}: ${what}`)];
    const { setting, flag } = bodiesNamedBy(config, address.directory);
    const wayOut = `mend that, or name another with ${flag} (${setting})`;
    return [fail("bodies", `${address.directory} cannot be used: ${why}`, wayOut)];
  }
  try {
    const bodies = await openBodies(config);
    await bodies.ping().finally(() => bodies.close());
    const { address: place, durability } = bodies.describe();
    return [ok("bodies", `${place}: ${what}; ${durability}`)];
  } catch (error) {
    const { message, reason } = MeshError.from(error);
    const away = "check the address and the credentials (bodies.url, s3.*) and that it runs";
    return [fail("bodies", message, reason === "STORE_UNAVAILABLE" ? away : reasons[reason].wayOut)];
  }
};
