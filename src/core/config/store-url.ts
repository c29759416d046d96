/** The setting `store.url`: which store, and where. */
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import type { Kind } from "./setting.ts";

export type StoreAddress =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "redis"; readonly url: string };

const sqliteFileDefault = "mesh.db";

/** Reads a checked `store.url`; `sqlite:` alone is `mesh.db` in the data directory, and so is a relative file's start. */
export function storeAddress(url: string, dataDir: string): StoreAddress {
  if (!url.startsWith("sqlite:")) return { kind: "redis", url };
  const file = url.slice("sqlite:".length) || sqliteFileDefault;
  return { kind: "sqlite", file: isAbsolute(file) ? file : join(dataDir, file) };
}

/** Redis numbers its databases; ioredis would send anything else as it stands. */
const databasePath = /^\/?\d{0,9}$/;

/** A user, a password, a host, a port and the number of a database, and nothing that ioredis would take as an option. */
function isRedisUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname, pathname, search, hash } = new URL(url);
  return hostname !== "" && databasePath.test(pathname) && search === "" && hash === "";
}

/** An address of Redis, normalised, so that odd characters of a password stand percent-encoded. */
export const redisUrl = z
  .string()
  .regex(/^rediss?:\/\/[^/]/)
  .refine(isRedisUrl)
  .transform((url) => new URL(url).href);

/** The kind of `store.url`. */
export function storeUrl(): Kind<string> {
  const schema = z.union([z.string().regex(/^sqlite:[^?#]*$/), redisUrl]);
  return {
    schema: () => schema,
    // Written without an @, which would be taken for the end of a password, and hidden.
    allowed:
      "`sqlite:`, `sqlite:FILE`, `redis://HOST[:PORT][/DB]` or `rediss://…` (TLS), with USER:PASSWORD and an at sign " +
      "before HOST where Redis asks for them; DB is a number",
    argument: "<url>",
  };
}
