/**
 * Bodies as files of one directory, in folders of two hexadecimal digits. A file is written under another name, synced and
 * renamed, so that a crash leaves a whole body or a `.part` that the sweep of bodies deletes.
 */
import { createHash } from "node:crypto";
import { access, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MeshError } from "../../core/errors.ts";
import type { BodyPage, BodyStore, BodyStoreDescription } from "../bodies.ts";

const shardPattern = /^[0-9a-f]{2}$/;

/** `directory` is absolute and exists. */
export function directoryBodies(directory: string): BodyStore {
  return new DirectoryBodies(directory);
}

class DirectoryBodies implements BodyStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  describe(): BodyStoreDescription {
    const durability = "a body is synced to the disk before its task is acknowledged";
    return { kind: "directory", address: this.#directory, durability };
  }

  uriOf(name: string): string {
    return pathToFileURL(this.#pathOf(name)).href;
  }

  ping(): Promise<void> {
    return this.#guarded(() => access(this.#directory));
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#pathOf(name);
    const part = `${path}.part`;
    await this.#guarded(async () => {
      await this.#makeShard(name);
      try {
        await writeSynced(part, bytes);
        await rename(part, path);
      } catch (error) {
        await rm(part, { force: true }).catch(() => {});
        throw error;
      }
      await syncDirectory(join(this.#directory, shardOf(name)));
    });
  }

  get(name: string): Promise<Buffer | undefined> {
    return this.#guarded(async () => {
      try {
        return await readFile(this.#pathOf(name));
      } catch (error) {
        if (codeOf(error) !== "ENOENT") throw error;
        // A directory that is away, an unmounted one say, has lost nothing.
        await access(this.#directory);
        return undefined;
      }
    });
  }

  delete(names: readonly string[]): Promise<void> {
    return this.#guarded(async () => {
      for (const name of names) await rm(this.#pathOf(name), { force: true });
    });
  }

  list({ limit, cursor = "" }: { readonly limit: number; readonly cursor?: string }): Promise<BodyPage> {
    return this.#guarded(async () => {
      const shards = (await readdir(this.#directory)).filter((name) => shardPattern.test(name)).sort();
      const names: string[] = [];
      for (const shard of shards.filter((one) => one > cursor)) {
        names.push(...(await readdir(join(this.#directory, shard))));
        if (names.length >= limit && shard !== shards.at(-1)) return { names, cursor: shard };
      }
      return { names };
    });
  }

  async close(): Promise<void> {}

  #pathOf(name: string): string {
    return join(this.#directory, shardOf(name), name);
  }

  async #makeShard(name: string): Promise<void> {
    try {
      await mkdir(join(this.#directory, shardOf(name)));
      await syncDirectory(this.#directory);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }

  async #guarded<Value>(act: () => Promise<Value>): Promise<Value> {
    try {
      return await act();
    } catch (error) {
      throw diskError(error, this.#directory);
    }
  }
}

/** A `.part` lies where its body will. */
function shardOf(name: string): string {
  return createHash("sha256")
    .update(name.replace(/\.part$/, ""))
    .digest("hex")
    .slice(0, 2);
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(bytes);
  await file.sync();
}

/** A new name is on the disk only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}

function codeOf(thrown: unknown): string {
  return (thrown as NodeJS.ErrnoException | undefined)?.code ?? "";
}

const fullCodes: readonly string[] = ["ENOSPC", "EDQUOT", "EFBIG"];

function diskError(thrown: unknown, directory: string): MeshError {
  const code = codeOf(thrown);
  const options = { cause: thrown, metadata: { address: directory } };
  if (fullCodes.includes(code))
    return new MeshError("STORE_FULL", `the disk of ${directory} has no room for a body (${code})`, options);
  const why = code || (thrown instanceof Error ? thrown.message : String(thrown));
  return new MeshError("STORE_UNAVAILABLE", `bodies in ${directory} are not available: ${why}`, options);
}
