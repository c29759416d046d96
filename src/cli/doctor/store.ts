/** The store: whether it can be opened, and what an acknowledgement means. */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { storeAddress } from "../../core/config/store-url.ts";
import { MeshError } from "../../core/errors.ts";
import { reasons } from "../../core/reasons.ts";
import { namedBy, openStore } from "../open-store.ts";
import { UnopenedStore } from "../unopened-store.ts";
import { directoryFault } from "../usable-directory.ts";
import { type Check, type Finding, fail, ok, warn } from "./check.ts";

export const checkStore: Check = async ({ loaded }) => {
  const { store, data } = loaded.config;
  const address = storeAddress(store.url, data.dir);
  if (address.kind === "redis") return await opened(loaded);
  const place = writable(dirname(address.file), data.dir);
  if (place.health === "fail") return [place];
  // Looking must not make a store that nobody asked for.
  if (!existsSync(address.file))
    return [place, ok("store", `${address.file} is not there yet; \`up\` makes it`)];
  return [place, ...(await opened(loaded))];
};

async function opened(loaded: Parameters<Check>[0]["loaded"]): Promise<Finding[]> {
  try {
    const store = await openStore(loaded.config);
    const { address, durability, warning } = await store.describe().finally(() => store.close());
    if (warning) return [warn("store", `${address}: ${durability}`, warning)];
    return [ok("store", `${address}: ${durability}`)];
  } catch (error) {
    const { reason, message, metadata } = MeshError.from(error);
    if (reason === "STORE_IN_USE")
      return [ok("store", `in use by process ${metadata.pid ?? "(unknown)"}: a mesh that runs, most likely`)];
    const wayOut = error instanceof UnopenedStore ? error.wayOut : reasons[reason].wayOut;
    return [fail("store", message, wayOut)];
  }
}

function writable(directory: string, dataDir: string): Finding {
  const why = directoryFault(directory);
  if (why === undefined) return ok("data", `${directory} can be written to`);
  const { setting, flag } = namedBy(directory, dataDir);
  return fail(
    "data",
    `${directory} cannot be used: ${why}`,
    `mend that, or name another with ${flag} (${setting})`,
  );
}
