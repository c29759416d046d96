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

/** The kind of `store.url`. A URL is normalised, so that odd characters of a password stand percent-encoded. */
export function storeUrl(): Kind<string> {
  const redis = z
    .string()
    .regex(/^rediss?:\/\/[^/]/)
    .refine((url) => URL.canParse(url))
    .transform((url) => new URL(url).href);
  const schema = z.union([z.string().regex(/^sqlite:[^?#]*$/), redis]);
  return {
    schema: () => schema,
    allowed: "`sqlite:`, `sqlite:FILE`, `redis://[USER:PASSWORD@]HOST[:PORT][/DB]` or `rediss://…` (TLS)",
    argument: "<url>",
  };
}
