/** The setting `store.url`: which store, and where. */
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { parseRedisUrl } from "./redis-url.ts";
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

/** An address of Redis, normalised, so that odd characters of a password stand percent-encoded. */
export const redisUrl = z.string().transform((text, context) => {
  const address = parseRedisUrl(text);
  if (address === undefined) context.addIssue({ code: "custom", message: "no address of a store" });
  return address?.href ?? z.NEVER;
});

/** The kind of `store.url`. */
export function storeUrl(): Kind<string> {
  const schema = z.union([z.string().regex(/^sqlite:[^?#]*$/), redisUrl]);
  return {
    schema: () => schema,
    // Written without an @, which would be taken for the end of a password, and hidden.
    allowed:
      "`sqlite:`, `sqlite:FILE`, `redis://HOST[:PORT][/DB]`, `redis+sentinel://HOST[:PORT],…/MASTER[/DB]` or " +
      "`redis+cluster://HOST[:PORT],…`; `rediss` in place of `redis` for TLS; USER:PASSWORD and an at sign before the " +
      "first HOST where Redis asks for them; DB is a number",
    argument: "<url>",
  };
}
