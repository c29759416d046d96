/** The setting `bodies.url`: where payloads that are too large for the store are kept. */
import { isAbsolute, join, normalize } from "node:path";
import { z } from "zod";
import type { Kind } from "./setting.ts";
import { redisUrl, type StoreAddress } from "./store-url.ts";

export type BodiesAddress =
  | { readonly kind: "directory"; readonly directory: string }
  | { readonly kind: "redis"; readonly url: string }
  /** `prefix` is empty or ends with a slash. */
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string };

/** Stands beside mesh.db; a store of another name has a directory of its own, since a body store serves one store alone. */
const directoryDefault = "blobs";
const sqliteFileDefault = /[/\\]mesh\.db$/;
const s3Pattern =
  /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/((?:[\w-][\w.-]*(?:\/[\w-][\w.-]*)*\/?)?))?$/;

/** Reads a checked `bodies.url`; `auto` goes with the store. */
export function bodiesAddress(url: string, store: StoreAddress): BodiesAddress {
  if (url === "auto")
    return store.kind === "redis" ? store : { kind: "directory", directory: directoryBeside(store.file) };
  if (url.startsWith("file:")) return { kind: "directory", directory: url.slice("file:".length) };
  const [, bucket, prefix = ""] = s3Pattern.exec(url) ?? [];
  if (bucket === undefined) return { kind: "redis", url };
  return { kind: "s3", bucket, prefix: prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/` };
}

function directoryBeside(file: string): string {
  return sqliteFileDefault.test(file) ? join(file, "..", directoryDefault) : `${file}.${directoryDefault}`;
}

/** The kind of `bodies.url`. A relative directory starts where other paths do. */
export function bodiesUrl(): Kind<string> {
  const directory = (base: string) =>
    z
      .string()
      .regex(/^file:[^?#]+$/)
      .transform((url) => url.slice("file:".length))
      .transform((path) => `file:${normalize(isAbsolute(path) ? path : join(base, path))}`);
  const schema = (base: string) =>
    z.union([z.literal("auto"), directory(base), redisUrl, z.string().regex(s3Pattern)]);
  return {
    schema,
    allowed:
      "`auto`, `file:DIRECTORY`, `redis://HOST[:PORT][/DB]` as in `store.url`, or `s3://BUCKET[/PREFIX]`",
    argument: "<url>",
  };
}
