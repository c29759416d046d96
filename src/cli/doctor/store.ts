/** The store: whether it can be opened, and what an acknowledgement means. */
import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import { storeAddress } from "../../core/config/store-url.ts";
import { MeshError } from "../../core/errors.ts";
import { openStore } from "../open-store.ts";
import { type Check, type Finding, fail, ok, warn } from "./check.ts";

export const checkStore: Check = async ({ loaded }) => {
  const { store, data, sqlite } = loaded.config;
  const address = storeAddress(store.url, data.dir);
  if (address.kind === "redis") return await opened(loaded);
  const place = writable(dirname(address.file));
  // Looking must not make a store that nobody asked for.
  if (!existsSync(address.file))
    return [place, ok("store", `${address.file} is not there yet; \`up\` makes it`)];
  if (sqlite.durability === "normal" || place.health === "ok") return [place, ...(await opened(loaded))];
  return [place];
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
    return [fail("store", message, "check that it runs, and that store.url names it")];
  }
}

/** The directory, or where it is missing the nearest one above. */
function writable(directory: string): Finding {
  let at = directory;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  try {
    accessSync(at, constants.W_OK | constants.X_OK);
    return ok("data", `${directory} can be written to`);
  } catch {
    return fail("data", `${at} cannot be written to`, "choose another data.dir, or mend its rights");
  }
}
