/** The body store that the settings name, and what is kept in it. */
import { type BodiesAddress, bodiesAddress } from "../core/config/bodies-url.ts";
import type { Config } from "../core/config/settings.ts";
import { storeAddress } from "../core/config/store-url.ts";
import { MeshError } from "../core/errors.ts";
import type { BodyStore } from "../queue/bodies.ts";
import { namedBy } from "./open-store.ts";
import { makeDirectory, type NamedBy } from "./usable-directory.ts";

/** Throws INVALID_CONFIG. Whether it can be reached, `ping` tells. Only the back end that is used is loaded. */
export async function openBodies(config: Config): Promise<BodyStore> {
  const address = addressOfBodies(config);
  switch (address.kind) {
    case "directory": {
      makeDirectory(address.directory, bodiesNamedBy(config, address.directory));
      const { directoryBodies } = await import("../queue/bodies/directory.ts");
      return directoryBodies(address.directory);
    }
    case "redis": {
      const { redisBodies } = await import("../queue/bodies/redis.ts");
      return redisBodies({ url: address.url });
    }
    case "s3": {
      const { s3Bodies } = await import("../queue/bodies/s3.ts");
      return s3Bodies({ ...address, ...s3Settings(config) });
    }
  }
}

export function addressOfBodies({ bodies, store, data }: Config): BodiesAddress {
  return bodiesAddress(bodies.url, storeAddress(store.url, data.dir));
}

/** The setting that named the directory of bodies. */
export function bodiesNamedBy({ bodies, data }: Config, directory: string): NamedBy {
  if (bodies.url !== "auto") return { setting: "bodies.url", flag: "--bodies" };
  return namedBy(directory, data.dir);
}

function s3Settings({ s3 }: Config) {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3;
  const fields = Object.entries({ accessKeyId, secretAccessKey })
    .filter(([, value]) => value === undefined)
    .map(([name]) => ({
      field: `s3.${name}`,
      description: "is needed where bodies.url is an s3:// address",
    }));
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw MeshError.invalid(fields, "INVALID_CONFIG");
  return {
    endpoint: (endpoint ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, ""),
    region,
    accessKeyId,
    secretAccessKey,
  };
}
